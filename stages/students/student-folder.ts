import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import { hintFor } from '#datasets/nearest-name.ts';
import { cutOf, LONG_TEXTS, LONG_TEXTS_KEY, type TextCut } from '#datasets/tokens/long-texts.ts';
import { deploymentSchema } from './deployment.ts';
import type { OperatingPoint } from './operating-point.ts';
import type { StudentPrecision } from './precision.ts';

/** What the answers of a student are. */
export type StudentTask = 'classification' | 'multi-label' | 'regression' | 'token-classification';

/** An exported student on the disk. */
export interface StudentFolder {
  readonly classNames: readonly string[];
  readonly task: StudentTask;
  /** It learned from pairs of texts. */
  readonly readsPairs: boolean;
  readonly model: string;
  /** Output of the model with the logits of the head that is asked. */
  readonly output: string;
  readonly tokenizer: string;
  readonly maxLength: number;
  readonly cut: TextCut;
  readonly padTokenId: number;
  readonly operatingPoint: OperatingPoint | undefined;
}

export class NotAStudentError extends Failure {
  constructor(
    folder: string,
    problem: string,
    fix = 'name the folder that export-student made; `npx decant run` prints its path',
  ) {
    super('model', 'E_STUDENT', `${folder}: ${problem}`, fix);
  }
}

/** The student has no head of the name that was asked for. */
export class UnknownHeadError extends Failure {
  constructor(folder: string, head: string, known: readonly string[]) {
    const none = 'it was trained for one task: leave the head out';
    super(
      'usage',
      'E_STUDENT_HEAD',
      `${folder}: the student has no head "${head}"`,
      known.length === 0
        ? none
        : `${hintFor(head, known)}; without a head its first task is answered`,
    );
  }
}

/** The student reads numbers, which lines of text are not. */
class TensorStudentError extends Failure {
  constructor(folder: string) {
    super(
      'usage',
      'E_STUDENT',
      `${folder}: this student reads tensors, not lines of text`,
      'run onnx/model.onnx in ONNX Runtime: tensor_inputs of config.json names its inputs',
    );
  }
}

const configSchema = z.object({
  architectures: z.array(z.string()).default([]),
  /** Left out of language models, whose classes are their vocabulary. */
  id2label: z.record(z.string(), z.string()).default({}),
  pad_token_id: z.int().nonnegative().nullable().default(0),
  max_position_embeddings: z.int().positive().default(512),
  problem_type: z.string().optional(),
  tensor_inputs: z.record(z.string(), z.unknown()).optional(),
  decant: deploymentSchema.optional(),
});

// Hugging Face writes 1e30 where there is no limit.
const tokenizerConfigSchema = z.object({
  model_max_length: z.number().positive().default(Number.POSITIVE_INFINITY),
  [LONG_TEXTS_KEY]: z.enum(LONG_TEXTS).optional(),
});

/** Which file of a student answers, and which of its heads. */
export interface AskedModel {
  /** Default: float32. */
  readonly precision?: StudentPrecision | undefined;
  /** Default: the first, of the task that the configuration begins with. */
  readonly head?: string | undefined;
}

/** Reads what a student directory says of itself; throws where it lacks a file, or the head that is asked, or reads no text. */
export async function readStudentFolder(
  folder: string,
  { precision = 'float32', head }: AskedModel = {},
): Promise<StudentFolder> {
  requireFiles(folder, ['config.json', MODEL_FILES.float32]);
  const config = await readJson(folder, 'config.json', configSchema);
  if (config.tensor_inputs !== undefined) throw new TensorStudentError(folder);
  requireClasses(folder, config);
  requireFiles(folder, ['tokenizer.json']);
  const file = MODEL_FILES[precision];
  if (!existsSync(join(folder, file))) {
    const fix = 'set export: { quantize: [int8] } in decant.yaml and run it, or ask for float32';
    throw new NotAStudentError(folder, `has no ${file}`, fix);
  }
  const trained = await tokenizerConfig(folder);
  const { id2label, output, problem_type, operatingPoint } = answeringHead(folder, config, head);
  return {
    classNames: namesOf(folder, id2label),
    output,
    task: taskOf(config.architectures, problem_type),
    readsPairs: config.decant?.text_pairs ?? false,
    model: join(folder, file),
    tokenizer: join(folder, 'tokenizer.json'),
    // A bert student has a few positions more than it was trained to read.
    maxLength: Math.min(config.max_position_embeddings, trained.model_max_length),
    cut: cutOf(trained[LONG_TEXTS_KEY]),
    padTokenId: config.pad_token_id ?? 0,
    operatingPoint,
  };
}

/** Classes and output of the head that is asked. */
function answeringHead(
  folder: string,
  { id2label, problem_type, decant }: z.infer<typeof configSchema>,
  head: string | undefined,
) {
  if (head === undefined) {
    return { id2label, problem_type, output: 'logits', operatingPoint: decant?.operating_point };
  }
  const { heads = {} } = decant ?? {};
  const found = Object.hasOwn(heads, head) ? heads[head] : undefined;
  if (found === undefined) throw new UnknownHeadError(folder, head, Object.keys(heads));
  const { problem_type: ofHead, ...answering } = found;
  return { ...answering, problem_type: ofHead, operatingPoint: undefined };
}

/** What a student reads of a long text. */
export async function textCutOf(folder: string): Promise<TextCut> {
  return cutOf((await tokenizerConfig(folder))[LONG_TEXTS_KEY]);
}

function requireFiles(folder: string, names: readonly string[]): void {
  const missing = names.find((name) => !existsSync(join(folder, name)));
  if (missing !== undefined) throw new NotAStudentError(folder, `has no ${missing}`);
}

function requireClasses(
  folder: string,
  { architectures, id2label }: z.infer<typeof configSchema>,
): void {
  const model = architectures.find((name) => LANGUAGE_MODEL.test(name));
  if (model !== undefined) {
    throw new NotAStudentError(
      folder,
      `${model} says which token is likely, and not what a text is`,
      'load it with transformers (AutoModelForMaskedLM, AutoModelForCausalLM), or run onnx/model.onnx',
    );
  }
  if (Object.keys(id2label).length === 0) {
    throw new NotAStudentError(folder, 'config.json: id2label names no class');
  }
}

const LANGUAGE_MODEL = /(ForMaskedLM|LMHeadModel)$/;

/** By what the student was trained for, in Hugging Face's words. */
export function taskOf(
  architectures: readonly string[],
  problemType: string | undefined,
): StudentTask {
  if (architectures.some((name) => name.endsWith('ForTokenClassification'))) {
    return 'token-classification';
  }
  if (problemType === 'regression') return 'regression';
  return problemType === 'multi_label_classification' ? 'multi-label' : 'classification';
}

async function tokenizerConfig(folder: string): Promise<z.infer<typeof tokenizerConfigSchema>> {
  const name = 'tokenizer_config.json';
  if (!existsSync(join(folder, name))) return tokenizerConfigSchema.parse({});
  return readJson(folder, name, tokenizerConfigSchema);
}

async function readJson<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(join(folder, name), 'utf8')));
  } catch (error) {
    const problem = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new NotAStudentError(folder, `${name}: ${problem}`);
  }
}

function namesOf(folder: string, id2label: Readonly<Record<string, string>>): string[] {
  const count = Object.keys(id2label).length;
  return Array.from({ length: count }, (_, id) => {
    const name = id2label[String(id)];
    if (name === undefined)
      throw new NotAStudentError(folder, `config.json: id2label has no ${id}`);
    return name;
  });
}

/** As transformers.js names them. */
export const MODEL_FILES: Readonly<Record<StudentPrecision, string>> = {
  float32: 'onnx/model.onnx',
  int8: 'onnx/model_quantized.onnx',
};
