import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { listFiles } from '#cache/digest.ts';
import type { TensorShape } from '#datasets/features.ts';
import { inputOf } from '#stages/folders.ts';
import { type Classifier, openClassifier } from '#stages/onnx/classifier.ts';
import { skimModelFile } from '#stages/onnx/model-skim.ts';
import { countParameters } from '#stages/onnx/parameter-count.ts';
import { quantized } from '#stages/onnx/quantize.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { countSafetensors } from '#stages/students/safetensors.ts';
import { HEADS_FILE, headOutput } from '#stages/students/task-heads.ts';
import type { EvaluateConfig } from './settings.ts';

/** The model that is measured. */
export interface Subject {
  /** The .onnx file first, then the files with its external weights; none of a teacher whose answers stand in files. */
  readonly modelFiles: readonly string[];
  /** The model itself, where it is not a file yet. */
  readonly bytes?: Uint8Array;
  readonly fileBytes: number;
  readonly parameters: number | null;
  readonly padTokenId: number;
  /** Where its logits are; a student calls those of its first head logits. */
  readonly output?: string | undefined;
}

/** Loads it; undefined where there is no model to load. */
export async function* openSubject(
  { modelFiles: [file], bytes, padTokenId, output }: Subject,
  { device, deviceId, threads }: EvaluateConfig,
  shapes: Readonly<Record<string, TensorShape>>,
): AsyncGenerator<StageEvent, Classifier | undefined, void> {
  const model = bytes ?? file;
  if (model === undefined) return undefined;
  const options = { device, deviceId, threads, padTokenId, output, shapes };
  const classifier = await openClassifier(model, options);
  yield { type: 'environment', name: 'provider', value: classifier.provider };
  yield { type: 'environment', name: 'onnxruntime', value: classifier.runtimeVersion };
  if (classifier.withoutCuda !== undefined) {
    yield { type: 'note', message: `runs on the CPU: ${classifier.withoutCuda}` };
  }
  return classifier;
}

/** What the settings and inputs of the stage name. */
export async function subjectOf(context: StageContext<EvaluateConfig>): Promise<Subject> {
  if (context.config.subject === 'teacher') {
    const modelFiles = await teacherModel(context);
    const parameters = modelFiles[0] === undefined ? null : countParameters(modelFiles[0]);
    // The cache holds the teacher's answers; it only runs to be timed, and any padding will do.
    const output = context.config.output ?? logitsName(modelFiles[0]);
    const fileBytes = await bytesOf(modelFiles);
    return { modelFiles, fileBytes, parameters, padTokenId: 0, output };
  }
  const student = inputOf(context, 'student');
  const { head } = context.config;
  const heads = join(student, HEADS_FILE);
  const modelFiles = [join(student, 'onnx', 'model.onnx')];
  const bytes = await quantizedBytes(context.config, modelFiles);
  return {
    modelFiles,
    ...(bytes && { bytes }),
    fileBytes: bytes?.length ?? (await bytesOf(modelFiles)),
    parameters:
      (await countSafetensors(join(student, 'model.safetensors'))) +
      (existsSync(heads) ? await countSafetensors(heads) : 0),
    padTokenId: await padTokenOf(join(student, 'config.json')),
    ...(head !== undefined && { output: headOutput(head) }),
  };
}

async function quantizedBytes(
  { quantize }: EvaluateConfig,
  [file]: readonly string[],
): Promise<Uint8Array | undefined> {
  return quantize === undefined || file === undefined ? undefined : quantized(await readFile(file));
}

/** Of a file that the user named, of an encoder that was given a head, or none. */
async function teacherModel(context: StageContext<EvaluateConfig>): Promise<readonly string[]> {
  const fitted = context.inputs['teacher'];
  if (fitted === undefined) return context.files['model'] ?? [];
  const folder = join(fitted, 'onnx');
  const data = (await listFiles(folder)).filter((name) => name !== 'model.onnx');
  return ['model.onnx', ...data].map((name) => join(folder, name));
}

/** As stage one finds them: `logits`, or else the first output. */
function logitsName(model: string | undefined): string | undefined {
  if (model === undefined) return undefined;
  const names = skimModelFile(model).outputs.map(({ name }) => name);
  return names.includes('logits') ? 'logits' : names[0];
}

async function bytesOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Hugging Face's config names the padding token; 0 where it does not. */
async function padTokenOf(file: string): Promise<number> {
  const config = z.object({ pad_token_id: z.int().nullish() });
  return config.parse(JSON.parse(await readFile(file, 'utf8'))).pad_token_id ?? 0;
}
