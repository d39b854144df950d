import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { halfModel } from '#tests/support/half-model.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { prepareRows } from '#tests/support/prepare-run.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { type RowNumber, tokensOf, writeCorpus, writeTeacher } from '../small-run.ts';
import { fewRows, goldenModel, namesOf, type TeacherKind, type TeacherRun } from './kind.ts';

const LABELS = 5;

/** A BERT or ModernBERT of five labels about single texts. */
async function classifier(
  name: 'bert' | 'modernbert',
  config: TeacherRun['config'],
  corpus: Parameters<typeof writeCorpus>[1] = {},
): Promise<TeacherRun> {
  const inputs = await writeCorpus(fewRows, { classNames: namesOf(LABELS), ...corpus });
  return {
    inputs,
    files: { model: [await goldenModel(name)] },
    config: { keep: 'all', ...config },
  };
}

/** The last third of the tokens are a second text. */
function typesOf(row: RowNumber): number[] {
  const { length } = tokensOf(row);
  return Array.from({ length }, (_, place) => (place >= (2 * length) / 3 ? 1 : 0));
}

/** A row has one window, or two of half its tokens. */
function windowsOf(row: RowNumber): number[] {
  const { length } = tokensOf(row);
  const half = Math.floor(length / 2);
  return half < 3 ? [length] : [half, length - half];
}

/** The model of the small sample, whose weights are int8, about words of its own. */
async function sampleTeacher(change: (model: Buffer) => Uint8Array): Promise<TeacherRun> {
  const folder = sampleFolder('mini');
  const model = join(temporaryFolder(), 'model.onnx');
  writeFileSync(model, change(readFileSync(join(folder, 'teacher', 'onnx', 'model.onnx'))));
  const classNames = JSON.parse(readFileSync(join(folder, 'labels.json'), 'utf8'));
  const tokens = (row: RowNumber) => tokensOf(row).map((token) => 100 + 7 * token);
  const inputs = await writeCorpus(fewRows, { classNames, tokens });
  return { inputs, files: { model: [model] }, config: { topK: 3 } };
}

/** A config.json whose classes stand in another order than those of the corpus. */
function turnedConfig(): string {
  const path = join(temporaryFolder(), 'config.json');
  const names = namesOf(LABELS);
  const turned = [...names.slice(2), ...names.slice(0, 2)];
  writeFileSync(path, JSON.stringify({ id2label: Object.fromEntries(turned.entries()) }));
  return path;
}

/** What the model of the small sample is asked about changed texts. */
async function views(): Promise<TeacherRun> {
  const text = (row: number) => ({ text: `how do I top up my card number ${row} from abroad` });
  const rows = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, row) => text(from + row));
  const corpus = { train: rows(0, 12), validation: rows(12, 14), test: rows(14, 16) };
  const { outputs } = await prepareRows(corpus, {
    config: { augmentations: [{ dropWords: 0.3 }] },
  });
  const teacher = join(sampleFolder('mini'), 'teacher');
  return {
    inputs: {
      ...outputs,
      'inputs/train': outputs['inputs/views'] ?? '',
      'tokens/teacher/train': outputs['tokens/teacher/views'] ?? '',
    },
    files: {
      model: [join(teacher, 'onnx', 'model.onnx')],
      modelConfig: [join(teacher, 'config.json')],
    },
    config: { keep: 'all', maxLength: 128 },
  };
}

/** Teachers that say one thing of a text. */
export const TEXT_KINDS: readonly TeacherKind[] = [
  { name: 'a BERT, all logits', make: () => classifier('bert', {}) },
  {
    name: 'a ModernBERT, top 3 at two temperatures',
    make: () => classifier('modernbert', { keep: 'top-k', topK: 3, temperatures: [1, 2] }),
  },
  {
    name: 'pairs of texts',
    isEverywhere: true,
    make: () => classifier('bert', {}, { types: typesOf }),
  },
  {
    name: 'several labels',
    isEverywhere: true,
    make: () => classifier('bert', { task: 'multi-label' }),
  },
  { name: 'numbers', make: () => classifier('modernbert', { task: 'regression' }) },
  {
    name: 'draws',
    make: () => classifier('bert', { keep: 'sampled', samples: 20, temperatures: [1] }),
  },
  { name: 'windows of a text', make: () => classifier('bert', {}, { windows: windowsOf }) },
  { name: 'views of a row', isEverywhere: true, make: views },
  {
    name: 'a further teacher with its classes in another order',
    isEverywhere: true,
    async make() {
      const { files, ...run } = await classifier('modernbert', {});
      return { ...run, files: { ...files, modelConfig: [turnedConfig()] } };
    },
  },
  {
    name: 'features from inside of the graph',
    // What the pooler makes of [CLS], and the last hidden states.
    make: () => classifier('bert', { hidden: ['tanh_78_0', 'layernormalization_76_0'] }),
  },
  { name: 'weights in int8', make: () => sampleTeacher((model) => model) },
  // On the CPU half floats are computed as float32, on a GPU as they are: 2^-11 a step.
  { name: 'float16', make: () => sampleTeacher(halfModel), largestDp: 1e-2 },
  ...(
    [
      [4, 24],
      [1, 'sequence'],
      ['batch', 32],
    ] as const
  ).map((shape) => ({
    name: `a model exported for [${shape.join(', ')}]`,
    async make() {
      const model = writeTeacher({ shape });
      return { inputs: await writeCorpus(fewRows), files: { model: [model] }, config: { topK: 3 } };
    },
  })),
];
