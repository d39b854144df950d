import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { isOfValues } from '#datasets/metrics/metrics.ts';
import { textTable } from '#pipeline/display/text-table.ts';
import type { Outcome } from '#pipeline/outcome.ts';
import { repository } from '#tests/support/paths.ts';
import { banking77, polarity } from './quality/corpora.ts';
import {
  type QualityStudent,
  qualityStudents,
  qualityVariants,
  USUAL_VARIANTS,
} from './quality/students.ts';
import { torchBag } from './quality/torch-bag.ts';

/**
 * `npm run bench:quality`: test accuracy, share of the teacher's, and calibration of some ways to train each
 * student on the banking77 sample and on sentence polarity, mean and spread of three seeds, beside PyTorch's
 * figures for the same recipe. One store, so each teacher runs once. Where the reference had other rows, and
 * DECANT_TORCH_PYTHON names a Python with PyTorch and pyarrow, PyTorch trains on the same rows as well.
 *   npm run bench:quality -- [seeds=1,2,3] [students=modernbert,bert,bag,textcnn,half,svd,best,kept,polarity] \
 *     [variants=gold-only,distilled] [store=FOLDER]
 */
interface Figures {
  readonly accuracy: number;
  readonly calibrationError: number;
  /** Accuracy of PyTorch on the same rows, where it was asked. */
  readonly torch?: number | undefined;
}

const chosen = options({
  seeds: '1,2,3',
  students: Object.keys(qualityStudents).join(','),
  /** Of all that a student has; all of them where left out. */
  variants: '',
  store: join(tmpdir(), 'decant-bench-quality'),
});
const seeds = chosen.seeds.split(',').map(Number);
mkdirSync(chosen.store, { recursive: true });

const columns = [
  'student',
  'variant',
  'accuracy %',
  'of the teacher %',
  'PyTorch',
  'difference',
  'PyTorch, same rows',
  'difference',
  'calibration error %',
];
console.log(`test split, mean of ${seeds.length} seeds ± standard deviation`);
for (const name of chosen.students.split(',')) {
  const student = qualityStudents[name];
  if (student === undefined)
    throw new Error(`no student ${name}: ${Object.keys(qualityStudents).join(', ')}`);
  const runs = seeds.map((seed) => run(name, student, seed));
  const rows = variantsOf(student).map((variant) => rowOf(name, student, variant, runs));
  console.log(`\n${textTable(columns, rows)}`);
}

/** One student and seed through the whole pipeline. */
function run(name: string, student: QualityStudent, seed: number): Map<string, Figures> {
  const names = variantsOf(student);
  const config = {
    ...(student.corpus === 'banking77' ? banking77() : polarity(chosen.store)),
    ...(student.softLabel && { 'soft-label': student.softLabel }),
    student: { ...student.settings, seed },
    variants: Object.fromEntries(names.map((variant) => [variant, qualityVariants[variant]])),
    ...(names.includes('relabelled') && {
      'hard-relabel': { student: 'distilled', minConfidence: 0.9 },
    }),
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
  const torch = student.ownRows ? torchBag(join(chosen.store, 'last-run.json')) : new Map();
  return new Map(
    models.map(({ name: variant, metrics }) => {
      if (isOfValues(metrics)) throw new Error(`${variant} is no classifier`);
      const { accuracy, expectedCalibrationError } = metrics;
      return [
        variant,
        {
          accuracy: 100 * accuracy,
          calibrationError: 100 * expectedCalibrationError,
          torch: torch.get(variant),
        },
      ];
    }),
  );
}

function variantsOf({ variants = USUAL_VARIANTS }: QualityStudent): readonly string[] {
  const wanted = chosen.variants.split(',');
  return variants.filter((variant) => chosen.variants === '' || wanted.includes(variant));
}

function rowOf(
  name: string,
  student: QualityStudent,
  variant: string,
  runs: readonly Map<string, Figures>[],
): string[] {
  const figures = runs.flatMap((one) => one.get(variant) ?? []);
  const accuracies = figures.map(({ accuracy }) => accuracy);
  const teacher = mean(runs.flatMap((one) => one.get('teacher')?.accuracy ?? []));
  const reference = student.pytorch[variant];
  const torch = figures.flatMap((one) => one.torch ?? []);
  return [
    name,
    variant,
    spread(accuracies),
    ((100 * mean(accuracies)) / teacher).toFixed(1),
    reference === undefined ? '' : reference.toFixed(1),
    reference === undefined ? '' : (mean(accuracies) - reference).toFixed(1),
    torch.length === 0 ? '' : spread(torch),
    torch.length === 0 ? '' : (mean(accuracies) - mean(torch)).toFixed(1),
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
