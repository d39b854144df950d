import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quantized } from '#stages/onnx/quantize.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise, toNamed } from '#stages/students/parameters.ts';
import type { ArchitectureName, StudentShape } from '#stages/students/student.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

/** Questions of the shipped sample: 14 tokens on average. */
export function sampleTexts(count: number): string[] {
  const lines = readFileSync(join(sampleFolder('banking77'), 'labelled.csv'), 'utf8').split('\n');
  const texts = lines.flatMap((line) => /^[^,]*,("[^"]*"|[^,]*),/.exec(line)?.[1] ?? []).slice(1);
  return Array.from({ length: count }, (_, row) => texts[row % texts.length] ?? '');
}

/** A student of 2 layers of 128 with untrained weights, which take as long as trained ones. */
export function untrainedStudent(name: ArchitectureName = 'modernbert'): string {
  const folder = temporaryFolder();
  const teacher = join(sampleFolder('banking77'), 'teacher');
  const config = JSON.parse(readFileSync(join(teacher, 'config.json'), 'utf8')) as {
    readonly id2label: Readonly<Record<string, string>>;
  };
  const classNames = Object.values(config.id2label);
  const architecture = architectureOf(name);
  const shape: StudentShape = { ...SHAPE, architecture: name, classCount: classNames.length };
  const weights = toNamed(
    initialise(architecture.parameters(shape), 1),
    architecture.parameters(shape),
  );
  mkdirSync(join(folder, 'onnx'));
  const model = architecture.onnx(shape, weights);
  writeFileSync(join(folder, 'onnx', 'model.onnx'), model);
  writeFileSync(join(folder, 'onnx', 'model_quantized.onnx'), quantized(model));
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify(architecture.config(shape, classNames)),
  );
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    cpSync(join(teacher, file), join(folder, file));
  }
  return folder;
}

const SHAPE = {
  vocabularySize: 30_522,
  maxLength: 64,
  layers: 2,
  hiddenSize: 128,
  heads: 4,
  intermediateSize: 256,
  dropout: 0,
  padTokenId: 0,
  clsTokenId: 101,
  sepTokenId: 102,
};
