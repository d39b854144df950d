import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse as parseCsv } from 'csv-parse/sync';
import { stringify } from 'yaml';
import { exampleIdOf } from '#datasets/example-id.ts';
import { isOfValues } from '#datasets/metrics/metrics.ts';
import { textTable } from '#pipeline/display/text-table.ts';
import type { Outcome } from '#pipeline/outcome.ts';
import { randomFor, shuffle } from '#stages/numerics/random.ts';
import { repository, sampleFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

/**
 * `npm run bench:relabel [-- --noise 0,10,30 --seeds 1 --steps 1500 --policy label-odds]`: labels of the banking77 sample are flipped at
 * random, and a policy with five folds restores what it can. Twice: with the shipped teacher, which
 * saw the clean labels and so flatters, and on the word of students alone that learned from the noisy ones.
 */
const { values } = parseArgs({
  options: {
    noise: { type: 'string', default: '0,10,30' },
    seeds: { type: 'string', default: '1' },
    steps: { type: 'string', default: '1500' },
    policy: { type: 'string', default: 'label-odds' },
  },
});
const sample = sampleFolder('banking77');
// One store: the labels are no input of the teacher, so it runs once.
const store = temporaryFolder('decant-bench-relabel');
const clean = parseCsv(readFileSync(join(sample, 'labelled.csv')), { columns: true }) as Row[];

interface Row {
  readonly id: string;
  readonly text: string;
  readonly label: string;
}

interface Decided {
  readonly example_id: string;
  readonly old_label: string | null;
  readonly new_label: string;
}

/** Whose word counts. */
const WITNESSES = {
  'teacher and students': { student: 'distilled', evidence: 'teacher-and-student' },
  'students alone': { student: 'gold-only', evidence: 'student' },
} as const;

/** Who learns from the new labels: beside the teacher's soft labels, or from labels alone, as their control does. */
const GOLD_ALONE = { softLossWeight: 0, hardLossWeight: 1 } as const;
const RETRAINED = {
  relabelled: { labels: 'hard-relabel' },
  'relabelled-gold': { ...GOLD_ALONE, labels: 'hard-relabel' },
} as const;

const lines: string[][] = [];
for (const percent of values.noise.split(',').map(Number)) {
  for (const seed of values.seeds.split(',').map(Number)) {
    const noisy = flipped(percent / 100, seed);
    for (const witness of Object.keys(WITNESSES) as (keyof typeof WITNESSES)[]) {
      lines.push([`${percent} %`, `${seed}`, witness, ...measured(noisy, witness, seed)]);
      console.error(lines.at(-1)?.join('  '));
    }
  }
}
const head = ['flipped', 'seed', 'evidence', 'changed', 'restored', 'precision'];
const accuracies = ['distilled', 'its control', 'relabelled', 'at random'];
const ofGold = ['gold: its control', 'gold: relabelled', 'gold: at random'];
console.log(textTable([...head, ...accuracies, ...ofGold], lines));
console.log(
  'restored: flipped rows that got their own label back (aims 80 and 70 %); precision: changed rows that now have their own label (aim 90 %); then test accuracy % of students that are retrained beside soft labels, and of gold ones on labels alone (aim on clean labels, --noise 0: relabelled never below distilled - 0.3)',
);

/** The labelled rows, a share of them with another class drawn at random. */
function flipped(share: number, seed: number): Row[] {
  const random = randomFor(seed, 'planted-noise');
  const classNames = [...new Set(clean.map(({ label }) => label))];
  const chosen = new Set(shuffle(clean, random).slice(0, Math.round(share * clean.length)));
  return clean.map((row) => {
    if (!chosen.has(row)) return row;
    const others = classNames.filter((name) => name !== row.label);
    return { ...row, label: others[Math.floor(random() * others.length)] ?? row.label };
  });
}

function measured(noisy: readonly Row[], witness: keyof typeof WITNESSES, seed: number): string[] {
  const folder = temporaryFolder();
  const labelled = join(folder, 'labelled.jsonl');
  writeFileSync(labelled, noisy.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const config = {
    corpus: {
      train: [labelled, join(sample, 'unlabelled.jsonl')],
      validation: join(sample, 'validation.jsonl'),
      test: join(sample, 'test.jsonl'),
    },
    teacher: { model: join(sample, 'teacher'), maxLength: 128 },
    student: { architecture: 'bag', hiddenSize: 128, steps: Number(values.steps), seed },
    variants: { distilled: {}, 'gold-only': GOLD_ALONE, ...RETRAINED },
    'hard-relabel': { policy: values.policy, folds: 5, control: true, ...WITNESSES[witness] },
  };
  const file = join(folder, 'decant.yaml');
  writeFileSync(file, stringify(config));
  const { models } = JSON.parse(decant('run', '--config', file, '--json')) as Outcome;
  const asked =
    'SELECT example_id, old_label, new_label FROM hard_labels WHERE old_label IS NOT NULL';
  const changed = decant('cache', 'sql', asked, '--config', file, '--format', 'jsonl')
    .trim()
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Decided]));
  const truth = new Map(clean.map(({ text, label }) => [exampleIdOf(text), label]));
  const planted = noisy.filter(({ text, label }) => truth.get(exampleIdOf(text)) !== label).length;
  const right = changed.filter((row) => truth.get(row.example_id) === row.new_label);
  const restored = right.filter(({ old_label, new_label }) => old_label !== new_label).length;
  const accuracyOf = (name: string) => {
    const metrics = models.find((model) => model.name === name)?.metrics;
    if (metrics === undefined || isOfValues(metrics)) throw new Error(`no figures of ${name}`);
    return (100 * metrics.accuracy).toFixed(1);
  };
  return [
    `${changed.length}`,
    share(restored, planted),
    share(right.length, changed.length),
    ...['distilled', ...Object.keys(RETRAINED).flatMap(withControls)].map(accuracyOf),
  ];
}

/** A retrained student between the one of the same steps without new labels and the one with as many at random. */
function withControls(name: string): string[] {
  return [`${name}.unchanged`, name, `${name}.random`];
}

/** A dash where there is nothing to have a share of, such as flipped rows among clean labels. */
function share(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}

function decant(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['pipeline/decant.mjs', ...args, '--store', store],
    {
      cwd: repository,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    },
  );
  if (status !== 0) throw new Error(`decant ${args[0]}: exit code ${status}\n${stderr}`);
  return stdout;
}
