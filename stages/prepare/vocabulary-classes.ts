import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import { parseTokenizerJson, piecesOf } from '#datasets/tokens/tokenizer-json.ts';
import type { StageEvent } from '#stages/stage.ts';
import type { ClassList } from './class-list.ts';

/** The tokenizer writes ids that the model has no row for. */
export class VocabularyTooLargeError extends Failure {
  constructor(tokenizerPath: string, pieces: number, configPath: string, rows: number) {
    super(
      'model',
      'E_TEACHER_VOCABULARY',
      `${tokenizerPath} has ${pieces} pieces, but the model has rows for ${rows} (${configPath}: vocab_size)`,
      'use the tokenizer.json of this very model',
    );
  }
}

/** The classes of a language model, and a note where some of them are no piece of its tokenizer. */
export async function* vocabularyClasses(
  tokenizerPath: string,
  configPath: string,
): AsyncGenerator<StageEvent, ClassList, void> {
  const { unused, ...classes } = await readVocabulary(tokenizerPath, configPath);
  if (unused > 0) {
    const message = `the teacher answers with ${unused.toLocaleString('en-US')} tokens that its tokenizer never writes; they are classes too, named <unused_ID>`;
    yield { type: 'note', message };
  }
  return classes;
}

/**
 * The classes of a language model: the pieces of its tokenizer in the order of their ids. Many models have
 * more rows than their tokenizer has pieces, so that sizes are round. Those stay classes, under names that
 * no piece has: a teacher gives them probability too, and without it p would be of another distribution.
 */
export async function readVocabulary(
  tokenizerPath: string,
  configPath: string,
): Promise<ClassList & { readonly unused: number }> {
  const tokenizer = parseTokenizerJson(await readFile(tokenizerPath, 'utf8'), tokenizerPath);
  const pieces = piecesOf(tokenizer);
  const rows = (await vocabularySizeIn(configPath)) ?? pieces.length;
  if (rows < pieces.length) {
    throw new VocabularyTooLargeError(tokenizerPath, pieces.length, configPath, rows);
  }
  const unused = rows - pieces.filter((piece) => piece !== undefined).length;
  const classNames = Array.from({ length: rows }, (_, id) => pieces[id] ?? `<unused_${id}>`);
  return { classNames, idOfLabel: new Map(), byNumber: false, unused };
}

async function vocabularySizeIn(configPath: string): Promise<number | undefined> {
  const parsed = configSchema.safeParse(JSON.parse(await readFile(configPath, 'utf8')));
  return parsed.success ? parsed.data.vocab_size : undefined;
}

const configSchema = z.looseObject({ vocab_size: z.int().min(1).optional() });
