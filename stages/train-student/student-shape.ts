import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import type { StudentShape } from '#stages/students/student.ts';
import type { Settings } from './settings.ts';

/** What a student's tokenizer says about its embedding table and special tokens. */
export interface Vocabulary {
  readonly vocabularySize: number;
  readonly padTokenId: number;
  readonly clsTokenId: number;
  readonly sepTokenId: number;
}

/** Shape of the student that these settings ask for over this vocabulary and class list. */
export function studentShape(
  settings: Settings,
  vocabulary: Vocabulary,
  given: { classCount: number; maxLength: number },
): StudentShape {
  return {
    architecture: settings.architecture,
    layers: settings.layers,
    hiddenSize: settings.hiddenSize,
    heads: settings.heads,
    intermediateSize: settings.intermediateSize,
    dropout: settings.dropout,
    ...vocabulary,
    classCount: given.classCount,
    maxLength: settings.maxLength ?? given.maxLength,
    ...(settings.task === 'token-classification' && { perToken: true }),
  };
}

/** Reads tokenizer.json and special_tokens_map.json of a folder. */
export async function readVocabulary(folder: string): Promise<Vocabulary> {
  const path = join(folder, 'tokenizer.json');
  const { model, added_tokens } = tokenizerFile.parse(await readJson(path));
  const ids = new Map<string, number>(
    Array.isArray(model.vocab)
      ? model.vocab.map(([piece], id) => [piece, id])
      : Object.entries(model.vocab),
  );
  for (const { content, id } of added_tokens) ids.set(content, id);
  const special = specialTokens.parse(await readJson(join(folder, 'special_tokens_map.json')));
  const idOf = (role: keyof typeof special): number => {
    const name = special[role];
    const id = name === undefined ? undefined : ids.get(name);
    if (id === undefined) throw new SpecialTokenError(path, role, name);
    return id;
  };
  return {
    vocabularySize: Math.max(...ids.values()) + 1,
    padTokenId: idOf('pad_token'),
    clsTokenId: idOf('cls_token'),
    sepTokenId: idOf('sep_token'),
  };
}

/** The tokenizer lacks a token that a student needs. */
export class SpecialTokenError extends Failure {
  constructor(path: string, role: string, name: string | undefined) {
    const found = name === undefined ? 'is not named' : `"${name}" is not in the vocabulary`;
    super(
      'model',
      'E_STUDENT_TOKENIZER',
      `${path}: ${role} ${found} (special_tokens_map.json)`,
      'use a tokenizer with pad, cls and sep tokens, such as that of a BERT model',
    );
  }
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'));
}

const tokenizerFile = z.object({
  model: z.object({
    vocab: z.union([z.record(z.string(), z.number()), z.array(z.tuple([z.string(), z.number()]))]),
  }),
  added_tokens: z.array(z.object({ content: z.string(), id: z.number() })).default([]),
});

const tokenName = z
  .union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])
  .optional();

const specialTokens = z.object({
  pad_token: tokenName,
  cls_token: tokenName,
  sep_token: tokenName,
});
