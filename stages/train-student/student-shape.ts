import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import type { TensorShape } from '#datasets/features.ts';
import { DEFAULT_KERNEL, DEFAULT_POOL_GRID } from '#stages/students/cnn-grid.ts';
import {
  type ArchitectureName,
  NO_TOKEN,
  type StudentShape,
  StudentShapeError,
} from '#stages/students/student.ts';
import { DEFAULT_WIDTHS } from '#stages/students/textcnn-windows.ts';
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
  given: {
    classCount: number;
    maxLength: number;
    features?: Readonly<Record<string, TensorShape>> | undefined;
  },
): StudentShape {
  requireLanguage(settings);
  const features = given.features && featuresOf(settings.architecture, given.features);
  requireInputs(settings.architecture, {
    text: vocabulary.vocabularySize > 0,
    tensors: features !== undefined,
  });
  return {
    architecture: settings.architecture,
    layers: settings.layers,
    hiddenSize: settings.hiddenSize,
    heads: settings.heads,
    intermediateSize: settings.intermediateSize,
    dropout: settings.dropout,
    ...vocabulary,
    ...ofLanguageModel(settings.task, given.classCount),
    classCount: given.classCount,
    maxLength: settings.maxLength ?? given.maxLength,
    ...(features && { features }),
    ...convolutionShape(settings),
    ...(settings.task === 'token-classification' && { perToken: true }),
  };
}

/** Which students say how likely a token is: encoders at hidden places, a decoder at the next one. */
function requireLanguage({ task, architecture }: Settings): void {
  const possible = LANGUAGE_ARCHITECTURES[task ?? 'classification'];
  if (possible === undefined || possible.includes(architecture)) return;
  throw new StudentShapeError(
    architecture,
    `it does not say which token is likely, as ${task} asks`,
    `set student.architecture: ${possible.join(' or ')}`,
  );
}

const LANGUAGE_ARCHITECTURES: Readonly<Record<string, readonly ArchitectureName[] | undefined>> = {
  'causal-lm': ['gpt2'],
  'masked-lm': ['modernbert', 'bert'],
};

/** A teacher may have more tokens than its tokenizer writes: they are classes, and so rows of the table. */
function ofLanguageModel(
  task: Settings['task'],
  classCount: number,
): Partial<Pick<StudentShape, 'vocabularySize' | 'languageModel'>> {
  if (task === 'causal-lm') return { vocabularySize: classCount, languageModel: 'causal' };
  if (task === 'masked-lm') return { vocabularySize: classCount, languageModel: 'masked' };
  return {};
}

/** What only students that convolve have; an encoder's shape knows nothing of it. */
function convolutionShape(settings: Settings): Partial<StudentShape> {
  const { architecture, kernelWidths = DEFAULT_WIDTHS, filters, channels } = settings;
  if (architecture === 'textcnn') {
    return { kernelWidths, filters: filters ?? settings.hiddenSize };
  }
  if (architecture !== 'cnn') return {};
  const { kernelSize = DEFAULT_KERNEL, poolGrid = DEFAULT_POOL_GRID } = settings;
  return { kernelSize, poolGrid, ...(channels && { channels }) };
}

/** Of rows without text. */
export const NO_VOCABULARY: Vocabulary = {
  vocabularySize: 0,
  padTokenId: 0,
  clsTokenId: 0,
  sepTokenId: 0,
};

/** A student reads rows of one shape. */
function featuresOf(
  architecture: ArchitectureName,
  shapes: Readonly<Record<string, TensorShape>>,
): NonNullable<StudentShape['features']> {
  return Object.entries(shapes).map(([name, shape]) => {
    const sizes = shape.filter((size) => size !== null);
    if (sizes.length === shape.length) return { name, shape: sizes };
    throw new StudentShapeError(
      architecture,
      `the tensor "${name}" has rows of different length, which no student reads`,
      `bring all rows to one length in the corpus, and set corpus.columns.tensors.${name}.shape`,
    );
  });
}

/** Which student reads what: encoders only texts, bag and textcnn also tensors beside them, mlp and cnn only tensors. */
function requireInputs(
  architecture: ArchitectureName,
  { text, tensors }: { readonly text: boolean; readonly tensors: boolean },
): void {
  const refuse = (problem: string, fix: string): never => {
    throw new StudentShapeError(architecture, problem, fix);
  };
  if (architecture === 'mlp' || architecture === 'cnn') {
    if (text) refuse('it reads tensors alone, and the rows have texts', TAKE_BAG);
    return;
  }
  if (!text)
    refuse('it reads texts, and the rows have none', 'set student.architecture: mlp or cnn');
  if (tensors && architecture !== 'bag' && architecture !== 'textcnn')
    refuse('it reads texts alone', TAKE_BAG);
}

const TAKE_BAG =
  'set student.architecture: bag or textcnn, which read texts and tensors side by side';

/**
 * Reads tokenizer.json and special_tokens_map.json of a folder. Who predicts the next token needs no special
 * token: texts begin and end without one, and padding stands behind all that it sees.
 */
export async function readVocabulary(folder: string, task?: Settings['task']): Promise<Vocabulary> {
  const path = join(folder, 'tokenizer.json');
  const { model, added_tokens } = tokenizerFile.parse(await readJson(path));
  const ids = new Map<string, number>(
    Array.isArray(model.vocab)
      ? model.vocab.map(([piece], id) => [piece, id])
      : Object.entries(model.vocab),
  );
  for (const { content, id } of added_tokens) ids.set(content, id);
  const special = specialTokens.parse(await readJson(join(folder, 'special_tokens_map.json')));
  const found = (role: keyof typeof special): number | undefined => {
    const name = special[role];
    return name === undefined ? undefined : ids.get(name);
  };
  const idOf = (role: keyof typeof special): number => {
    const id = found(role);
    if (id === undefined) throw new SpecialTokenError(path, role, special[role]);
    return id;
  };
  // Not `Math.max(...)`: XLM-RoBERTa has 250,002 pieces, more than a call may have arguments.
  const vocabularySize = [...ids.values()].reduce((a, b) => Math.max(a, b), -1) + 1;
  if (task === 'causal-lm') {
    const sepTokenId = found('eos_token') ?? NO_TOKEN;
    return {
      vocabularySize,
      padTokenId: found('pad_token') ?? Math.max(0, sepTokenId),
      clsTokenId: found('bos_token') ?? sepTokenId,
      sepTokenId,
    };
  }
  return {
    vocabularySize,
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
  bos_token: tokenName,
  eos_token: tokenName,
});
