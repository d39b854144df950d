import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { prepare } from '#stages/prepare/index.ts';
import { overheads } from '#tests/bench/teacher/overhead.ts';
import { benchSample } from '#tests/bench/teacher/rows.ts';
import { runSoftLabel } from '#tests/stages/soft-label/small-run.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { sampleFiles } from '#tests/support/prepare-run.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { memoryOfGpu, skip, testedDevice } from './tested-device.ts';

/** Speed and memory on CUDA, told and not judged. A run on the CPU, to try these tests, takes few rows. */
const rows = testedDevice === 'cuda' ? 3000 : 40;

test('what keeping the answers costs beside bare session.run of the same batches', {
  skip,
}, async (t) => {
  const sample = await benchSample();
  const options = { rounds: 5, rowLimit: rows, device: testedDevice };
  for (const [what, count, pairs, bare, share, spread] of await overheads(sample, options)) {
    t.diagnostic(
      `${what}: ${count} rows, ${pairs} pairs: bare ${bare} s, capture ${share} of it (half of the pairs ${spread})`,
    );
  }
  t.diagnostic(memoryOfGpu());
});

test('tokens a second and memory by token budget', { skip }, async (t) => {
  const folder = join(sampleFolder('banking77'), 'teacher');
  const config = { limit: testedDevice === 'cuda' ? undefined : rows };
  const { outputs } = await runStage(prepare, { config, files: sampleFiles('banking77') });
  const files = {
    model: [join(folder, 'onnx', 'model.onnx')],
    modelConfig: [join(folder, 'config.json')],
  };
  for (const tokenBudget of [2048, 8192, 32_768]) {
    const start = performance.now();
    const run = await runSoftLabel({
      inputs: outputs,
      files,
      config: { topK: 10, maxLength: 128, device: testedDevice, threads: undefined, tokenBudget },
    });
    const seconds = (performance.now() - start) / 1000;
    const tokens = run.events.reduce(
      (most, event) => (event.type === 'progress' ? Math.max(most, event.tokens ?? 0) : most),
      0,
    );
    const rate = (tokens / seconds).toFixed(0);
    const foreseen = run.notes.find((note) => note.startsWith('memory'));
    t.diagnostic(
      `tokenBudget ${tokenBudget}: ${rate} tokens/s with loading, ${memoryOfGpu()}; ${foreseen}`,
    );
    assert.equal(run.counts['quarantined'], 0);
  }
});
