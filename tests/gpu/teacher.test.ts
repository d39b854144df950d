import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { SPLITS } from '#datasets/example.ts';
import { softmax } from '#stages/numerics/softmax.ts';
import { describeCounts } from '#stages/onnx/census.ts';
import { openSession } from '#stages/onnx/session.ts';
import { prepare } from '#stages/prepare/index.ts';
import { rowsOf, runSoftLabel } from '#tests/stages/soft-label/small-run.ts';
import { failingWith } from '#tests/support/failure.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { sampleFiles } from '#tests/support/prepare-run.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { withoutCuda } from './tested-device.ts';

/** The shipped sample and its teacher on CUDA: all rows of it, and where the graph runs. */
const skip = withoutCuda();
const teacher = join(sampleFolder('banking77'), 'teacher');
const model = join(teacher, 'onnx', 'model.onnx');
const files = { model: [model], modelConfig: [join(teacher, 'config.json')] };

let inputs: Readonly<Record<string, string>> = {};
before(async () => {
  if (skip === false) {
    inputs = (await runStage(prepare, { files: sampleFiles('banking77') })).outputs;
  }
});

async function passOn(device: string, config: Record<string, unknown> = {}) {
  const start = performance.now();
  const run = await runSoftLabel({
    config: { keep: 'all', maxLength: 128, threads: undefined, device, ...config },
    inputs,
    files,
  });
  return { run, seconds: (performance.now() - start) / 1000 };
}

test('the census finds the teacher on the GPU, with nothing but shapes on the CPU, and strict agrees', {
  skip,
}, async (t) => {
  const session = await openSession(model, { device: 'cuda', census: true });
  assert.equal(session.provider, 'cuda');
  const data = () => ({
    type: 'int64' as const,
    data: new BigInt64Array(2 * 64).fill(1n),
    dims: [2, 64],
  });
  const names = session.inputs.map(({ name }) => name);
  await session.run(Object.fromEntries(names.map((name) => [name, data()])));
  const census = await session.census();
  await session.close();
  t.diagnostic(
    `nodes: ${describeCounts(census.nodes)}; on the CPU ${describeCounts(census.shapesOnCpu)}`,
  );
  assert.ok((census.nodes['cuda'] ?? 0) > 50);
  assert.deepEqual(census.workOnCpu, {});
  const { run } = await passOn('cuda', { strict: true, keep: 'top-k', topK: 10 });
  assert.match(run.notes.join('\n'), /^nodes: cuda \d+/m);
});

test('CUDA says what the CPU says: the best class in 99.9 % of the rows, |dp| at most 1e-3', {
  skip,
}, async (t) => {
  const [onGpu, onCpu] = [await passOn('cuda'), await passOn('cpu')];
  let [rows, equal, largest] = [0, 0, 0];
  for (const split of SPLITS) {
    const [p, q] = [await probsOf(onGpu.run, split), await probsOf(onCpu.run, split)];
    for (const [row, probs] of p.entries()) {
      const others = q[row] ?? [];
      rows += 1;
      equal += Number(bestOf(probs) === bestOf(others));
      probs.forEach(
        (one, id) => (largest = Math.max(largest, Math.abs(one - (others[id] ?? NaN)))),
      );
    }
  }
  t.diagnostic(`${equal} of ${rows} best classes equal, |dp| at most ${largest}`);
  t.diagnostic(
    `cuda ${onGpu.seconds.toFixed(1)} s, cpu ${onCpu.seconds.toFixed(1)} s with loading`,
  );
  assert.ok(equal / rows >= 0.999);
  assert.ok(largest <= 1e-3);
});

test('a GPU that is not there is refused by the driver in words', { skip }, async () => {
  await assert.rejects(
    openSession(model, { device: 'cuda', deviceId: 77 }),
    failingWith('E_CUDA_UNAVAILABLE', 'device: cuda, but the driver refused'),
  );
});

async function probsOf(run: StageRun, split: (typeof SPLITS)[number]): Promise<number[][]> {
  const { rows } = await rowsOf(run, split);
  const width = rows.logits.length / rows.rowCount;
  return Array.from({ length: rows.rowCount }, (_, row) => [
    ...softmax(rows.logits.subarray(row * width, (row + 1) * width)),
  ]);
}

function bestOf(probs: readonly number[]): number {
  return probs.indexOf(Math.max(...probs));
}
