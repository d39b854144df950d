import { appendFile, constants, copyFile, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { atomicFile, writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';
import { firstPositionOf } from '#stages/onnx/first-position.ts';
import type { Padding } from '#stages/onnx/text-inputs.ts';

/** A JSON file of the encoder that says something else than it should. */
export class EncoderFileError extends Failure {
  constructor(path: string, problem: string) {
    super(
      'model',
      'E_TEACHER_FILES',
      `${path}: ${problem}`,
      'copy the file of the encoder again, as transformers or sentence-transformers wrote it',
    );
  }
}

/** What the encoder's config.json says; nothing where there is none. */
export async function readEncoderConfig(
  path: string | undefined,
): Promise<Padding & { readonly json: Readonly<Record<string, unknown>> }> {
  if (path === undefined) return { json: {}, padTokenId: 0 };
  const json = await jsonIn(path, encoderConfig);
  return { json, padTokenId: json.pad_token_id ?? 0, firstPosition: firstPositionOf(json) };
}

/** How sentence-transformers pools this encoder's tokens; the mean where nobody says. */
export async function readPooling(path: string | undefined): Promise<'mean' | 'first'> {
  if (path === undefined) return 'mean';
  const modes = await jsonIn(path, poolingConfig);
  if (modes.pooling_mode_mean_tokens === true) return 'mean';
  if (modes.pooling_mode_cls_token === true) return 'first';
  throw new EncoderFileError(
    path,
    'it pools neither by the mean of the tokens nor by the first one',
  );
}

/** The files of a teacher that is made of an encoder. */
export interface TeacherParts {
  /** The encoder's graph, then its external data. */
  readonly model: readonly string[];
  readonly appendix: Uint8Array;
  readonly config: Readonly<Record<string, unknown>>;
  readonly classNames: readonly string[];
}

/** Writes onnx/model.onnx, with its external data beside it, and config.json with the names of the classes. */
export async function writeTeacher(folder: string, parts: TeacherParts): Promise<void> {
  const { model, appendix, config, classNames } = parts;
  const [graph = '', ...data] = model;
  const onnx = join(folder, 'onnx');
  for (const file of data) {
    const place = join(onnx, relative(dirname(graph), file));
    await atomicFile(place, (temporary) => copyFile(file, temporary, CLONE));
  }
  await atomicFile(join(onnx, 'model.onnx'), async (temporary) => {
    await copyFile(graph, temporary, CLONE);
    await appendFile(temporary, appendix);
  });
  const content = {
    ...config,
    id2label: Object.fromEntries(classNames.map((name, id) => [String(id), name])),
    label2id: Object.fromEntries(classNames.map((name, id) => [name, id])),
  };
  await writeFileAtomic(join(folder, 'config.json'), `${JSON.stringify(content, null, 2)}\n`);
}

async function jsonIn<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (error instanceof z.ZodError) throw new EncoderFileError(path, z.prettifyError(error));
    if (error instanceof SyntaxError) throw new EncoderFileError(path, error.message);
    throw error;
  }
}

const encoderConfig = z.looseObject({
  model_type: z.string().optional().catch(undefined),
  pad_token_id: z.int().nonnegative().nullish(),
});

const poolingConfig = z.looseObject({
  pooling_mode_cls_token: z.boolean().optional(),
  pooling_mode_mean_tokens: z.boolean().optional(),
});

/** Without taking the room twice where the file system can. */
const CLONE = constants.COPYFILE_FICLONE;
