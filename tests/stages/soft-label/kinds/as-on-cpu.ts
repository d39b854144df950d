import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SPLITS } from '#datasets/example.ts';
import { brokenRows } from '#datasets/row-invariants.ts';
import { checkTeacher, teacherCheckSchema } from '#stages/soft-label/check-teacher.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { rowsOf, runSoftLabel } from '../small-run.ts';
import type { TeacherKind, TeacherRun } from './kind.ts';

/** Where a run is made. */
export type TestedDevice = 'cpu' | 'cuda';

/** How far two devices are apart. */
export interface Distance {
  readonly rows: number;
  readonly otherBest: number;
  /** Of numbers and features, these themselves. */
  readonly largestDp: number;
  /** Which provider the nodes of the graph ran on, and what memory was foreseen. */
  readonly census: readonly string[];
}

/**
 * Runs stage one on the device and asks the same teacher again on the CPU, in other batches: fails where less than
 * 99.9 % of the best classes are equal or a probability is further away than the kind allows.
 */
export async function assertAsOnCpu(
  { make, largestDp: allowed = 1e-3 }: TeacherKind,
  device: TestedDevice,
): Promise<Distance> {
  const made = await make();
  const distance = await distanceToCpu(made, made, device);
  const told = JSON.stringify(distance);
  assert.ok(distance.rows > 0, told);
  assert.ok(distance.otherBest <= 0.001 * distance.rows, told);
  assert.ok(distance.largestDp <= allowed, told);
  return distance;
}

/** What `run` says on the device beside what `reference` says on the CPU. */
export async function distanceToCpu(
  run: TeacherRun,
  reference: TeacherRun,
  device: TestedDevice,
): Promise<Distance> {
  const config = { ...run.config, device };
  const spoken = await runSoftLabel({ ...run, config });
  for (const split of SPLITS) {
    const { rows, meta } = await rowsOf(spoken, split);
    assert.equal(meta.provider, device);
    assert.deepEqual(brokenRows(rows, meta, split, new Set()), []);
  }
  const checked = await runStage(checkTeacher, {
    config: {
      share: 1,
      seed: 1,
      task: run.config['task'],
      device: 'cpu',
      threads: 1,
      tokenBudget: 64,
    },
    inputs: { ...reference.inputs, ...spoken.outputs },
    files: reference.files,
  });
  const found = readFileSync(join(checked.outputs['check'] ?? '', 'check.json'), 'utf8');
  const { rows, top1Differences, maxDp } = teacherCheckSchema.parse(JSON.parse(found));
  const features =
    run.config['hidden'] === undefined ? 0 : await featureDistance(spoken, reference);
  return {
    rows,
    otherBest: top1Differences,
    largestDp: Math.max(maxDp, features),
    census: spoken.notes.filter((note) => /^(nodes|memory):/.test(note)),
  };
}

/** Largest difference of a feature of train rows from what the CPU finds in other batches. */
async function featureDistance(spoken: StageRun, reference: TeacherRun): Promise<number> {
  const config = { ...reference.config, device: 'cpu', tokenBudget: 64 };
  const onCpu = await rowsOf(await runSoftLabel({ ...reference, config }), 'train');
  const { hidden = {} } = (await rowsOf(spoken, 'train')).rows;
  const distances = Object.entries(hidden).flatMap(([name, values]) =>
    Array.from(values, (value, at) =>
      Math.abs(value - (onCpu.rows.hidden?.[name]?.[at] ?? Number.NaN)),
    ),
  );
  assert.ok(distances.length > 0 && distances.every(Number.isFinite), 'the features of all rows');
  return distances.reduce((most, one) => Math.max(most, one), 0);
}
