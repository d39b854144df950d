import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { censusOf, describeCounts } from '#stages/onnx/census.ts';
import { openSession } from '#stages/onnx/session.ts';
import { openThreadedSession } from '#stages/onnx/threaded-session.ts';
import { refuseSplit, SplitGraphError } from '#stages/soft-label/teacher-census.ts';
import { sampleFolder } from '#tests/support/paths.ts';

const mini = join(sampleFolder('mini'), 'teacher', 'onnx', 'model.onnx');

test('on the CPU every node of a real teacher is counted there, with its weights and what it needs', async () => {
  const before = profiles();
  const session = await openThreadedSession(mini, { device: 'cpu', threads: 1, census: true });
  try {
    await session.run(feeds(2, 64), ['logits']);
    const census = await session.census();
    assert.deepEqual(Object.keys(census.nodes), ['cpu']);
    assert.ok((census.nodes['cpu'] ?? 0) > 50);
    assert.deepEqual([census.shapesOnCpu, census.workOnCpu], [{}, {}]);
    // 0.6 MB of int8 weights, some of them in float32 as well.
    assert.ok(census.weightBytes > 4e5 && census.weightBytes < 4e6, String(census.weightBytes));
    assert.ok(census.activationBytes > 2 * 64 * 64 * 4, String(census.activationBytes));
    // Runs after it are not watched any more.
    await session.run(feeds(2, 64), ['logits']);
  } finally {
    await session.close();
  }
  assert.deepEqual(profiles(), before);
});

test('twice the rows need twice the activations', async () => {
  const needed = async (rows: number) => {
    const session = await openSession(mini, { device: 'cpu', threads: 1, census: true });
    await session.run(feeds(rows, 64), ['logits']);
    const { activationBytes } = await session.census();
    await session.close();
    return activationBytes;
  };
  const ratio = (await needed(32)) / (await needed(2));
  assert.ok(ratio > 12 && ratio < 20, String(ratio));
});

test('a session that was not opened for it has no census, and one that cannot be opened leaves no profile', async () => {
  const before = profiles();
  const session = await openSession(mini, { device: 'cpu', threads: 1 });
  await assert.rejects(session.census(), /not opened for a census/);
  await session.close();
  const broken = openSession(Buffer.from('x'), { device: 'cpu', census: true });
  await assert.rejects(broken, { code: 'E_MODEL_REFUSED' });
  assert.deepEqual(profiles(), before);
});

test('of a graph on two providers, what computes on the CPU is told apart from what reckons with shapes', () => {
  const census = censusOf([
    { cat: 'Session', name: 'model_run', args: {} },
    kernel('CUDA', 'MatMul', [{ float: [2, 8, 16] }], { mem_in_use_peak: '900' }),
    kernel('CUDA', 'MatMul', [{ float: [2, 8, 16] }]),
    kernel('CPU', 'Shape', [{ int64: [2] }]),
    kernel('CPU', 'Gather', [{ int64: [] }]),
    // The scale of attention: one number, from a shape.
    kernel('CPU', 'Sqrt', [{ float: [1] }]),
    kernel('CPU', 'Erf', [{ float: [2, 8, 64] }]),
  ]);
  assert.deepEqual(census.nodes, { cuda: 2, cpu: 4 });
  assert.deepEqual(census.shapesOnCpu, { Shape: 1, Gather: 1, Sqrt: 1 });
  assert.deepEqual(census.workOnCpu, { Erf: 1 });
  assert.equal(describeCounts(census.nodes), 'cpu 4, cuda 2');
  assert.throws(
    () => refuseSplit(census),
    (error) =>
      error instanceof SplitGraphError &&
      /on the CPU compute Erf 1; shapes are reckoned there by Shape 1, Gather 1, Sqrt 1/.test(
        error.message,
      ),
  );
});

test('strict lets pass what reckons with shapes on the CPU, and a graph that is all on it', () => {
  const shapes = kernel('CPU', 'Shape', [{ int64: [2] }]);
  refuseSplit(censusOf([kernel('CUDA', 'MatMul', [{ float: [2, 2] }]), shapes]));
  refuseSplit(censusOf([kernel('CPU', 'MatMul', [{ float: [2, 2] }]), shapes]));
});

function kernel(
  provider: string,
  operator: string,
  outputs: readonly Record<string, number[]>[],
  memory: Record<string, string> = {},
): object {
  const args = {
    provider: `${provider}ExecutionProvider`,
    op_name: operator,
    output_type_shape: outputs,
    ...memory,
  };
  return { cat: 'Node', name: `${operator}_kernel_time`, args };
}

function feeds(rows: number, length: number) {
  const dims = [rows, length];
  const ones = () => ({
    type: 'int64' as const,
    data: new BigInt64Array(rows * length).fill(1n),
    dims,
  });
  return { input_ids: ones(), attention_mask: ones(), token_type_ids: ones() };
}

function profiles(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('decant-profile-'));
}
