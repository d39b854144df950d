import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { trainStudent } from '#stages/train-student/index.ts';
import { assertClose } from '#tests/support/close.ts';
import { whileCompilingFails } from '#tests/support/failing-compiler.ts';
import { failingWith } from '#tests/support/failure.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { syntheticInputs } from './synthetic-corpus.ts';

const small = {
  architecture: 'bag',
  hiddenSize: 16,
  steps: 60,
  batchSize: 16,
  evaluateEvery: 20,
  device: 'cpu',
} as const;
const inputs = await syntheticInputs();

test('a training compiled with XLA in bf16 learns as the graph does, and resumes to the same bits', async () => {
  const config = { ...small, xla: true, precision: 'bf16' } as const;
  const plain = await runStage(trainStudent, { config: { ...config, xla: false }, inputs });
  const undisturbed = await runStage(trainStudent, { config, inputs });
  assert.ok(saysCompiled(undisturbed));
  assert.ok(!saysCompiled(plain));
  assertClose(lastLoss(undisturbed), lastLoss(plain), 0.02, 'last loss');
  const folder = temporaryFolder();
  await stoppedAt(25, config, folder);
  const resumed = await runStage(trainStudent, { config, inputs, folder });
  assert.ok(resumed.notes.some((note) => note.startsWith('goes on after step 25')));
  assert.deepEqual(await weightsOf(resumed), await weightsOf(undisturbed));
});

test('if-possible goes on without XLA where a step fails to compile, and with no checkpoint of a compiled one', async () => {
  const config = { ...small, xla: 'if-possible' } as const;
  const folder = temporaryFolder();
  await stoppedAt(25, config, folder);
  const run = await whileCompilingFails(() => runStage(trainStudent, { config, inputs, folder }));
  assert.match(run.warnings.join(), /not compiled with XLA: a compiled step fails: .*planted/);
  assert.ok(!saysCompiled(run));
  assert.ok(!run.notes.some((note) => note.startsWith('goes on after')));
  const plain = await runStage(trainStudent, { config: { ...small, xla: false }, inputs });
  assert.deepEqual(await weightsOf(run), await weightsOf(plain));
  await assert.rejects(
    whileCompilingFails(() => runStage(trainStudent, { config: { ...small, xla: true }, inputs })),
    failingWith('E_XLA_UNAVAILABLE', 'planted'),
  );
});

async function stoppedAt(step: number, config: object, folder: string): Promise<void> {
  const stop = new AbortController();
  const reason = new Error('stop');
  const run = runStage(trainStudent, {
    config,
    inputs,
    folder,
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'progress' && event.done === step) stop.abort(reason);
    },
  });
  await assert.rejects(run, reason);
}

function saysCompiled({ events }: StageRun): boolean {
  return events.some((event) => event.type === 'environment' && event.name === 'xla');
}

function lastLoss({ events }: StageRun): number {
  const losses = events.flatMap((event) =>
    event.type === 'metric' && event.name === 'loss' ? [event.value] : [],
  );
  return losses.at(-1) ?? Number.NaN;
}

function weightsOf({ outputs }: StageRun): Promise<Buffer> {
  return readFile(join(outputs['student'] ?? '', 'model.safetensors'));
}
