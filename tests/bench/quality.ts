import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { isOfValues } from '#datasets/metrics.ts';
import type { Outcome } from '#pipeline/outcome.ts';
import { textTable } from '#pipeline/text-table.ts';
import { repository, sampleFolder } from '#tests/support/paths.ts';

/**
 * `npm run bench:quality`: test accuracy and calibration of five ways to train each student on the
 * banking77 sample, mean and spread of three seeds, beside PyTorch's figures for the same recipe
 * (same steps; datasets/samples: the README of the sample). One store, so the teacher runs once.
 *   npm run bench:quality -- [seeds=1,2,3] [students=modernbert,bert,bag,textcnn] [store=FOLDER]
 */
const students: Readonly<Record<string, Student>> = {
  modernbert: {
    settings: { architecture: 'modernbert', layers: 2, hiddenSize: 128, steps: 1500 },
    pytorch: { 'gold-only': 85.5, 'label-smoothing': 85.0, distilled: 89.5 },
  },
  bert: {
    settings: { architecture: 'bert', layers: 2, hiddenSize: 128, steps: 1500 },
    pytorch: { 'gold-only': 84.5, distilled: 88.8 },
  },
  bag: {
    settings: { architecture: 'bag', hiddenSize: 128, steps: 4000 },
    pytorch: { 'gold-only': 83.7, 'label-smoothing': 86.1, distilled: 88.9 },
  },
  textcnn: {
    settings: { architecture: 'textcnn', hiddenSize: 128, steps: 1500 },
    pytorch: { distilled: 88.5 },
  },
};

const variants = {
  'gold-only': { softLossWeight: 0, hardLossWeight: 1 },
  'label-smoothing': { softLossWeight: 0, hardLossWeight: 1, labelSmoothing: 0.1 },
  distilled: { temperature: 2, softLossWeight: 0.9, hardLossWeight: 0.1 },
  relabelled: { initFrom: 'distilled', labels: 'hard-relabel' },
  // The same extra steps without new labels: what relabelling has to beat.
  control: { initFrom: 'distilled', temperature: 2, softLossWeight: 0.9, hardLossWeight: 0.1 },
};

interface Student {
  readonly settings: Readonly<Record<string, unknown>>;
  /** Test accuracy in %, mean of three seeds. */
  readonly pytorch: Readonly<Record<string, number>>;
}

interface Figures {
  readonly accuracy: number;
  readonly calibrationError: number;
}

const chosen = options({
  seeds: '1,2,3',
  students: Object.keys(students).join(','),
  store: join(tmpdir(), 'decant-bench-quality'),
});
const seeds = chosen.seeds.split(',').map(Number);
mkdirSync(chosen.store, { recursive: true });

const rows: string[][] = [];
for (const name of chosen.students.split(',')) {
  const student = students[name];
  if (student === undefined)
    throw new Error(`no student ${name}: ${Object.keys(students).join(', ')}`);
  const runs = seeds.map((seed) => run(name, student, seed));
  for (const variant of Object.keys(variants)) rows.push(rowOf(name, student, variant, runs));
}
const columns = [
  'student',
  'variant',
  'accuracy %',
  'PyTorch',
  'difference',
  'calibration error %',
];
console.log(`\nbanking77 sample, test split, mean of ${seeds.length} seeds ± standard deviation`);
console.log(textTable(columns, rows));

/** One student and seed through the whole pipeline. */
function run(name: string, student: Student, seed: number): Map<string, Figures> {
  const sample = sampleFolder('banking77');
  const config = {
    corpus: {
      train: [join(sample, 'labelled.csv'), join(sample, 'unlabelled.jsonl')],
      validation: join(sample, 'validation.jsonl'),
      test: join(sample, 'test.jsonl'),
    },
    teacher: { model: join(sample, 'teacher'), maxLength: 128 },
    student: { ...student.settings, seed },
    variants,
    'hard-relabel': { student: 'distilled', minConfidence: 0.9 },
  };
  const file = join(chosen.store, `${name}-${seed}.yaml`);
  writeFileSync(file, stringify(config));
  const command = [
    'pipeline/decant.mjs',
    'run',
    '--config',
    file,
    '--store',
    chosen.store,
    '--json',
  ];
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    cwd: repository,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`${name}, seed ${seed}: exit code ${status}\n${stderr}`);
  const { models } = JSON.parse(stdout) as Outcome;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.error(`${name}, seed ${seed}: ${seconds} s`);
  return new Map(
    models.map(({ name: variant, metrics }) => {
      if (isOfValues(metrics)) throw new Error(`${variant} is no classifier`);
      const { accuracy, expectedCalibrationError } = metrics;
      return [
        variant,
        { accuracy: 100 * accuracy, calibrationError: 100 * expectedCalibrationError },
      ];
    }),
  );
}

function rowOf(
  name: string,
  student: Student,
  variant: string,
  runs: readonly Map<string, Figures>[],
): string[] {
  const figures = runs.flatMap((one) => one.get(variant) ?? []);
  const accuracies = figures.map(({ accuracy }) => accuracy);
  const reference = student.pytorch[variant];
  return [
    name,
    variant,
    spread(accuracies),
    reference === undefined ? '' : reference.toFixed(1),
    reference === undefined ? '' : (mean(accuracies) - reference).toFixed(1),
    spread(figures.map(({ calibrationError }) => calibrationError)),
  ];
}

function spread(values: readonly number[]): string {
  const center = mean(values);
  const variance =
    values.reduce((sum, value) => sum + (value - center) ** 2, 0) / Math.max(1, values.length - 1);
  return `${center.toFixed(1)} ± ${Math.sqrt(variance).toFixed(1)}`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** `name=value` arguments over defaults. */
function options<T extends Readonly<Record<string, string>>>(defaults: T): T {
  const given = process.argv.slice(2).map((argument) => argument.split('='));
  const unknown = given.find(([key = '']) => !Object.hasOwn(defaults, key));
  if (unknown !== undefined)
    throw new Error(`unknown option ${unknown[0]}: ${Object.keys(defaults).join(', ')}`);
  return { ...defaults, ...Object.fromEntries(given) };
}
