import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listFiles } from '#cache/digest.ts';
import { Failure } from '#cache/failure.ts';
import { EVENT_FILE_PREFIX } from '#stages/tensorboard/event-file.ts';
import { placeOfEvent } from '#stages/tensorboard/events.ts';
import { wholeRecords } from '#stages/tensorboard/records.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';

/** A training of seconds. */
export const small = {
  layers: 1,
  hiddenSize: 16,
  steps: 60,
  batchSize: 16,
  evaluateEvery: 20,
  device: 'cpu',
  dropout: 0.1,
} as const;

type RunOptions = NonNullable<Parameters<typeof runStage>[1]>;

/** The training must end with that Failure. */
export async function fails(options: RunOptions, code: string, message: RegExp): Promise<void> {
  await assert.rejects(runStage(trainStudent, options), (error) => {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}

/** What TensorBoard shows: step and first tag of each event, sorted, since a measurement may be made again. */
export async function eventsOf({ outputs }: StageRun): Promise<(readonly [number, string])[]> {
  const path = join(outputs['log'] ?? '', `${EVENT_FILE_PREFIX}.0.decant`);
  const events = [...wholeRecords(await readFile(path))].map(placeOfEvent);
  return events
    .map(({ step, tag }) => [step, tag] as const)
    .sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1));
}

/** Every file that belongs to the digest of the artifact. */
export async function sealedBytes({ outputs }: StageRun): Promise<Record<string, Buffer>> {
  const sealed: Record<string, Buffer> = {};
  for (const output of ['student', 'predictions']) {
    const folder = outputs[output] ?? '';
    for (const file of await listFiles(folder)) {
      sealed[`${output}/${file}`] = await readFile(join(folder, file));
    }
  }
  return sealed;
}

/** The student's file of weights. */
export function weightsOf({ outputs }: StageRun): Promise<Buffer> {
  return readFile(join(outputs['student'] ?? '', 'model.safetensors'));
}

/** The last value of the metric; NaN where the run told none. */
export function lastMetric({ events }: StageRun, name: string): number {
  const values = events.flatMap((event) =>
    event.type === 'metric' && event.name === name ? [event.value] : [],
  );
  return values.at(-1) ?? Number.NaN;
}

/** Losses in the order in which the run told them. */
export function lossesOf({ events }: StageRun): number[] {
  return events.flatMap((event) =>
    event.type === 'metric' && event.name === 'loss' ? [event.value] : [],
  );
}
