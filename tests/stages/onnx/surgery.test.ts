import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ModelSkim, skimModel } from '#stages/onnx/model-skim.ts';
import { float32Of, int32Of, openSession, type SessionTensor } from '#stages/onnx/session.ts';
import { type HeadRequest, softLabelHead, UnsupportedTeacherError } from '#stages/onnx/surgery.ts';
import { bagTeacher, echoModel } from './logit-models.ts';

const classCount = 40;
const temperatures = [1, 2, 4];

for (const opset of [11, 12, 13, 17, 18, 21]) {
  for (const type of ['float32', 'float16'] as const) {
    for (const leading of [[6], [2, 3]]) {
      test(`opset ${opset}, ${type}, rank ${leading.length + 1}: top k and tail equal float64 arithmetic`, async () => {
        const bytes = echoModel({ opset, type, shape: [...leading.map(() => ''), classCount] });
        const x = logitsOf(6, classCount, opset);
        const dims = [...leading, classCount];
        const result = await runHead(bytes, { topK: 5, temperatures }, x, dims);
        assertClose(result, x, 5, temperatures);
        assert.deepEqual(result.dims, [...leading, 5]);
      });
    }
  }
}

test('dense: all logits, log-sum-exp and entropy equal float64 arithmetic', async () => {
  for (const type of ['float32', 'float16', 'float64'] as const) {
    const x = logitsOf(7, classCount, 3);
    const request = { topK: undefined, temperatures };
    const result = await runHead(echoModel({ type }), request, x, [7, classCount]);
    assert.deepEqual(result.logits, x);
    assertClose(result, x, undefined, temperatures);
  }
});

test('temperatures that are no powers of two of each other get an Exp of their own', async () => {
  const odd = [1, 1.5, 3, 20, 0.5];
  const x = logitsOf(9, classCount, 4);
  for (const topK of [3, undefined]) {
    const result = await runHead(echoModel(), { topK, temperatures: odd }, x, [9, classCount]);
    assertClose(result, x, topK, odd);
  }
});

test('many classes: error of log-sum-exp and tail stays below 1e-5', async () => {
  const x = logitsOf(3, 50_000, 5);
  const result = await runHead(echoModel(), { topK: 32, temperatures }, x, [3, 50_000]);
  assertClose(result, x, 32, temperatures);
});

test('a tail of e^-200 is exact, where 1 - sum would be noise', async () => {
  const x = new Float32Array(classCount).map((_, index) => (index === 7 ? 150 : -50 - index / 8));
  const result = await runHead(echoModel(), { topK: 1, temperatures }, x, [1, classCount]);
  assertClose(result, x, 1, temperatures);
  assert.ok((result.tailLogMass[0]?.[0] ?? 0) < -195);
});

test('with k = number of classes the tail is -Infinity and nothing is NaN', async () => {
  const x = logitsOf(2, 4, 6);
  const result = await runHead(echoModel(), { topK: 4, temperatures }, x, [2, 4]);
  for (const tail of result.tailLogMass) assert.deepEqual([...tail], [-Infinity, -Infinity]);
  assertClose({ ...result, tailLogMass: [] }, x, 4, temperatures);
});

test('a logit that is not finite makes its own row not finite, and no other', async () => {
  for (const bad of [Number.NaN, Infinity, -Infinity]) {
    const x = logitsOf(3, classCount, 8);
    x[classCount + 11] = bad;
    for (const topK of [5, undefined]) {
      const result = await runHead(echoModel(), { topK, temperatures }, x, [3, classCount]);
      const finite = [...result.entropyNats].map(Number.isFinite);
      assert.deepEqual(finite, [true, false, true], `${bad} ${topK}`);
    }
  }
});

test('the numbers of a row do not depend, to the last bit, on its company in the batch', async () => {
  const width = 77;
  const row = logitsOf(1, width, 9);
  for (const topK of [10, undefined]) {
    const seen = new Set<string>();
    for (const rows of [1, 2, 3, 16, 33]) {
      const x = new Float32Array(rows * width);
      for (let at = 0; at < rows; at++) x.set(row, at * width);
      const result = await runHead(echoModel(), { topK, temperatures }, x, [rows, width]);
      const columns = [...result.logSumExp, ...result.tailLogMass, result.entropyNats];
      for (let at = 0; at < rows; at++) seen.add(columns.map((column) => column[at]).join());
    }
    assert.equal(seen.size, 1, String(topK));
  }
});

test('the shape of the logits is told also where the model does not declare its classes', async () => {
  const result = await runHead(echoModel(), { topK: 2, temperatures }, logitsOf(3, 9, 1), [3, 9]);
  assert.deepEqual(result.shape, [3n, 9n]);
});

test('the model keeps its own outputs, and a second head does not collide with the first', async () => {
  const bytes = echoModel();
  const once = Buffer.concat([bytes, softLabelHead(skimModel(bytes), request(3)).bytes]);
  const x = logitsOf(2, classCount, 2);
  const result = await runHead(once, request(4), x, [2, classCount]);
  assertClose(result, x, 4, temperatures);
  const session = await openSession(once, { device: 'cpu', threads: 1 });
  assert.ok(session.outputs.some((output) => output.name === 'logits'));
  await session.close();
});

test('the first output is taken where none is called logits', () => {
  const head = softLabelHead(skimModel(echoModel({ output: 'scores' })), request(3));
  assert.equal(head.logits.name, 'scores');
});

test('what cannot carry a head is refused with its reason', () => {
  const refused = (model: ModelSkim, pattern: RegExp, logits?: string) =>
    assert.throws(
      () => softLabelHead(model, { ...request(3), ...(logits && { logits }) }),
      (error) => error instanceof UnsupportedTeacherError && pattern.test(error.message),
    );
  refused(skimModel(echoModel({ opset: 10 })), /opset 10 is older than 11/);
  refused(skimModel(echoModel({ type: 'int32' })), /"logits" is int32 of rank 2/);
  refused(skimModel(echoModel({ shape: ['batch'] })), /of rank 1/);
  refused(skimModel(echoModel()), /no output "scores" \(outputs: logits\)/, 'scores');
});

test('a teacher of several nodes is read by its own names', () => {
  const skim = skimModel(bagTeacher({ weights: new Float32Array(20), classCount: 4 }));
  assert.deepEqual(
    skim.inputs.map((input) => [input.name, input.type, input.shape]),
    [
      ['input_ids', 'int64', ['batch', 'sequence']],
      ['attention_mask', 'int64', ['batch', 'sequence']],
    ],
  );
  assert.equal(skim.opset, 12);
});

interface HeadResult {
  readonly topLogits: Float32Array;
  readonly topIds: Int32Array;
  readonly dims: readonly number[];
  readonly logits: Float32Array;
  readonly logSumExp: readonly Float32Array[];
  readonly tailLogMass: readonly Float32Array[];
  readonly entropyNats: Float32Array;
  readonly shape: readonly bigint[];
}

async function runHead(
  bytes: Uint8Array,
  headRequest: HeadRequest,
  x: Float32Array,
  dims: readonly number[],
): Promise<HeadResult> {
  const head = softLabelHead(skimModel(bytes), headRequest);
  const session = await openSession(bytes, {
    device: 'cpu',
    threads: 1,
    appendix: head.bytes,
  });
  try {
    const results = await session.run({ x: { type: 'float32', data: x, dims } });
    const floats = (name: string) => float32Of(results, name);
    const { outputs } = head;
    return {
      topLogits: outputs.topLogits === undefined ? new Float32Array() : floats(outputs.topLogits),
      topIds: outputs.topIds === undefined ? new Int32Array() : int32Of(results, outputs.topIds),
      dims: results[outputs.topIds ?? '']?.dims ?? [],
      logits: floats(outputs.logits),
      logSumExp: outputs.logSumExp.map(floats),
      tailLogMass: outputs.tailLogMass.map(floats),
      entropyNats: floats(outputs.entropyNats),
      shape: int64Of(results[outputs.logitsShape]),
    };
  } finally {
    await session.close();
  }
}

function int64Of(tensor: SessionTensor | undefined): readonly bigint[] {
  return tensor?.type === 'int64' ? [...tensor.data] : [];
}

/** Compares with plain float64 arithmetic on the same logits. */
function assertClose(
  result: HeadResult,
  x: Float32Array,
  topK: number | undefined,
  at: readonly number[],
): void {
  const rows = result.entropyNats.length;
  const width = x.length / rows;
  for (let row = 0; row < rows; row++) {
    const logits = [...x.subarray(row * width, (row + 1) * width)];
    const order = logits
      .map((_, id) => id)
      .sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
    if (topK !== undefined) {
      const ids = order.slice(0, topK);
      assert.deepEqual([...result.topIds.subarray(row * topK, (row + 1) * topK)], ids);
      assert.deepEqual(
        [...result.topLogits.subarray(row * topK, (row + 1) * topK)],
        ids.map((id) => logits[id]),
      );
    }
    at.forEach((temperature, index) => {
      const all = logSumExp(logits.map((logit) => logit / temperature));
      const tail = order.slice(topK ?? width).map((id) => (logits[id] ?? 0) / temperature);
      near(result.logSumExp[index]?.[row], all, `log-sum-exp, T = ${temperature}`);
      const stored = result.tailLogMass[index];
      if (stored !== undefined)
        near(stored[row], logSumExp(tail) - all, `tail, T = ${temperature}`);
    });
    const all = logSumExp(logits);
    const entropy = logits.reduce((sum, logit) => sum + Math.exp(logit - all) * (all - logit), 0);
    near(result.entropyNats[row], entropy, 'entropy');
  }
}

function near(found: number | undefined, expected: number, what: string): void {
  // float32 itself cannot hold more than 24 bits of a large value.
  const tolerance = 1e-5 + Math.abs(expected) * 1e-7;
  assert.ok(Math.abs((found ?? NaN) - expected) <= tolerance, `${what}: ${found}, not ${expected}`);
}

function logSumExp(values: readonly number[]): number {
  const highest = Math.max(...values);
  return highest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - highest), 0));
}

/** Logits of very different sharpness a row; multiples of 1/64, which float16 holds exactly. */
function logitsOf(rows: number, width: number, seed: number): Float32Array {
  let state = seed;
  const next = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  return new Float32Array(rows * width).map((_, index) => {
    const scale = 1 + (Math.floor(index / width) % 3) * 3;
    const value = (next() + next() + next() - 1.5) * scale;
    return width > 1000 ? value : Math.round(value * 64) / 64;
  });
}

function request(topK: number): HeadRequest {
  return { topK, temperatures };
}
