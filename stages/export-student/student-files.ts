import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { atomicFile } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';
import { requireSameClasses } from '#datasets/class-list.ts';
import { LONG_TEXTS_KEY } from '#datasets/tokens/long-texts.ts';
import { deploymentSchema } from '#stages/students/deployment.ts';
import { readsTensorsAlone } from '#stages/students/hugging-face-config.ts';
import { type StudentTask, taskOf } from '#stages/students/student-folder.ts';
import { HEADS_FILE, type TaskHeads } from '#stages/students/task-heads.ts';

/** The student folder is not one that other tools could load. */
export class IncompleteStudentError extends Failure {
  constructor(file: string, reason: string) {
    super(
      'corrupt',
      'E_EXPORT_STUDENT',
      `${file}: ${reason}`,
      'train the student again: decant run --force train-student',
    );
  }
}

/** Copies everything that transformers, transformers.js and ONNX Runtime look for. */
export async function copyStudentFiles(
  from: string,
  to: string,
  { modelType, heads }: Pick<StudentConfig, 'modelType' | 'heads'>,
): Promise<void> {
  const files = readsTensorsAlone(modelType) ? TENSOR_FILES : STUDENT_FILES;
  for (const file of heads ? [...files, HEADS_FILE] : files) {
    await atomicFile(join(to, file), (temporary) =>
      copyFile(join(from, file), temporary).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
        throw new IncompleteStudentError(join(from, file), 'the file is missing');
      }),
    );
  }
}

/** What export needs to know from a student's config.json. */
export interface StudentConfig {
  readonly architecture: string;
  readonly modelType: string;
  /** Of one that is no language model. */
  readonly task: StudentTask;
  readonly padTokenId: number;
  /** Further tasks that it answers, whose weights lie in a file of their own. */
  readonly heads?: TaskHeads;
  /** Its classes are its vocabulary, and config.json does not name them. */
  readonly isLanguageModel: boolean;
}

/** Reads config.json and checks that its labels are the classes of this run, in order. */
export async function readStudentConfig(
  folder: string,
  classNames: readonly string[],
): Promise<StudentConfig> {
  const file = join(folder, 'config.json');
  const parsed = configSchema.safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (!parsed.success) throw new IncompleteStudentError(file, z.prettifyError(parsed.error));
  const {
    id2label,
    vocab_size,
    architectures = [],
    model_type,
    pad_token_id,
    decant,
  } = parsed.data;
  const isLanguageModel = id2label === undefined;
  if (!isLanguageModel) {
    const count = Object.keys(id2label).length;
    const labels = Array.from({ length: count }, (_, id) => id2label[id] ?? '');
    requireSameClasses(file, labels, classNames);
  } else if (vocab_size !== classNames.length) {
    const problem = `its vocab_size is ${vocab_size}, and classes.json names ${classNames.length} tokens`;
    throw new IncompleteStudentError(file, problem);
  }
  return {
    isLanguageModel,
    ...(decant?.heads && { heads: decant.heads }),
    architecture: architectures[0] ?? model_type,
    modelType: model_type,
    task: taskOf(architectures, parsed.data.problem_type),
    padTokenId: pad_token_id ?? 0,
  };
}

/** How the student cuts long texts, where it is not by truncation. */
export async function readLongTexts(
  folder: string,
  { modelType }: Pick<StudentConfig, 'modelType'>,
): Promise<string | undefined> {
  if (readsTensorsAlone(modelType)) return undefined;
  const text = await readFile(join(folder, 'tokenizer_config.json'), 'utf8');
  return tokenizerConfigSchema.parse(JSON.parse(text))[LONG_TEXTS_KEY];
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

const configSchema = z.object({
  architectures: z.array(z.string()).optional(),
  model_type: z.string(),
  problem_type: z.string().optional(),
  id2label: z.record(z.string(), z.string()).optional(),
  vocab_size: z.int().optional(),
  pad_token_id: z.int().nullish(),
  decant: deploymentSchema.optional(),
});

const tokenizerConfigSchema = z.object({ [LONG_TEXTS_KEY]: z.string().optional() });

/** Of a student that reads no text. */
const TENSOR_FILES = ['config.json', 'model.safetensors', 'onnx/model.onnx'];

// Without tokenizer_config.json transformers.js fails and truncation does nothing.
const STUDENT_FILES = [
  'config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'onnx/model.onnx',
];
