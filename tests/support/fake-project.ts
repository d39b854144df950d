import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkedConfig } from '#pipeline/config/config.ts';
import type { Project } from '#pipeline/project.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';

/** A project over a graph of fake stages. */
export function fakeProject(store: string, graph: readonly StageInstance[]): Project {
  const text =
    'corpus: { train: a.csv, validation: b.csv, test: c.csv }\nteacher: { model: t }\nvariants: { a: {} }\n';
  return { loaded: checkedConfig(join(store, 'decant.yaml'), text), graph, store };
}

/** Writes the run.json of a run that made or used these artifacts; `changes` replaces fields. */
export function fakeRun(
  store: string,
  runId: string,
  made: readonly { readonly instance: string; readonly fingerprint: string }[] = [],
  changes: Readonly<Record<string, unknown>> = {},
): void {
  const stages = made.map(({ instance, fingerprint }) => [
    instance,
    { because: '', status: 'done', result: { instance, fingerprint, counts: {} } },
  ]);
  const record = {
    schemaVersion: 1,
    runId,
    status: 'done',
    exitCode: 0,
    startedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: '2026-01-01T00:00:05.000Z',
    versions: { decant: '0.1.0' },
    gitCommit: null,
    config: {},
    stages: Object.fromEntries(stages),
    metrics: {},
    ...changes,
  };
  const folder = join(store, 'runs', runId);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'run.json'), JSON.stringify(record));
}
