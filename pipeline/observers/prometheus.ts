import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';
import type { Observer, RunEvent, StageResult } from '#pipeline/events.ts';

export class MetricsFolderError extends Failure {
  constructor(path: string) {
    super(
      'usage',
      'E_METRICS_FOLDER',
      `--metrics-file ${path}: its folder does not exist`,
      'create it: it is the --collector.textfile.directory of the node exporter',
    );
  }
}

/**
 * Writes what Prometheus' textfile collector reads, once, when the run has ended in whatever way.
 * The time of the last success is carried over from the file before, so that an alert on its age works.
 */
export function prometheusObserver(path: string, now: () => number = () => Date.now()): Observer {
  const file = resolve(path);
  const folder = dirname(file);
  // Said before the first stage runs and not after the last one.
  if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new MetricsFolderError(path);
  const results = new Map<string, StageResult>();
  const seconds = new Map<string, number>();
  let finished: Extract<RunEvent, { type: 'run-finished' }> | undefined;
  return {
    observe(event) {
      if (event.type === 'stage-fresh') results.set(event.instance, event.result);
      if (event.type === 'stage-finished') {
        results.set(event.instance, event.result);
        seconds.set(event.instance, Math.round(event.durationMs) / 1000);
      }
      if (event.type === 'run-finished') finished = event;
    },
    async close() {
      if (finished === undefined) return;
      const { exitCode, durationMs } = finished;
      const nowSeconds = now() / 1000;
      const lastSuccess = exitCode === 0 ? nowSeconds : lastSuccessIn(file);
      const families = [
        gauge('run_timestamp_seconds', 'When the last run ended.', [[{}, nowSeconds]]),
        gauge(LAST_SUCCESS, 'When a run last ended with exit code 0.', [[{}, lastSuccess]]),
        gauge('run_duration_seconds', 'How long the last run took.', [
          [{}, Math.round(durationMs) / 1000],
        ]),
        gauge('run_exit_code', 'What the last run ended with.', [[{}, exitCode]]),
        gauge(
          'stage_duration_seconds',
          'How long each stage took that the last run made.',
          [...seconds].map(([stage, value]) => [{ stage }, value]),
        ),
        ...corpusFamilies(results.get('prepare')),
        ...teacherFamilies([...results.values()].filter(isSoftLabel)),
      ];
      await writeFileAtomic(file, families.join(''));
    },
  };
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number | undefined];

function corpusFamilies(prepare: StageResult | undefined): string[] {
  const rows: Sample[] = ['train', 'validation', 'test'].map((split) => [
    { split },
    prepare?.counts[`${split}Rows`],
  ]);
  return [
    gauge('rows', 'Examples of the corpus.', rows),
    gauge('rejected_rows', 'Rows of the corpus that were left out.', [
      [{}, prepare?.counts['rejects']],
    ]),
  ];
}

function isSoftLabel({ instance }: StageResult): boolean {
  return instance.split(':')[0] === 'soft-label';
}

/** Rows of all teachers. A cache that was fresh cost nothing in this run: all its rows count as reused. */
function teacherFamilies(caches: readonly StageResult[]): string[] {
  if (caches.length === 0) return [];
  const sum = (of: (result: StageResult) => number) =>
    caches.reduce((total, result) => total + of(result), 0);
  const computed = sum(({ fresh, counts }) => (fresh ? 0 : (counts['teacherRows'] ?? 0)));
  const all = sum(({ counts }) => (counts['rowsReused'] ?? 0) + (counts['rowsNew'] ?? 0));
  return [
    gauge('teacher_rows', 'Soft labels that the last run computed or took over.', [
      [{ source: 'computed' }, computed],
      [{ source: 'reused' }, all - computed],
    ]),
  ];
}

/** One metric family as text; samples without a value are left out, and so is a family without samples. */
function gauge(name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.flatMap(([labels, value]) =>
    value === undefined ? [] : [`${PREFIX}${name}${labelsOf(labels)} ${value}\n`],
  );
  if (lines.length === 0) return '';
  return `# HELP ${PREFIX}${name} ${help}\n# TYPE ${PREFIX}${name} gauge\n${lines.join('')}`;
}

function labelsOf(labels: Readonly<Record<string, string>>): string {
  // Names of stages and splits hold nothing that would have to be escaped.
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function lastSuccessIn(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const found = new RegExp(`^${PREFIX}${LAST_SUCCESS} (\\S+)$`, 'm').exec(
    readFileSync(file, 'utf8'),
  );
  const value = Number(found?.[1]);
  return Number.isFinite(value) ? value : undefined;
}

const PREFIX = 'decant_';
const LAST_SUCCESS = 'last_success_timestamp_seconds';
