import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openSession } from '#stages/onnx/session.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise, toNamed } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { readGolden, smallShape } from './golden.ts';

// No TensorFlow in this file: it and ONNX Runtime must not share a process.

for (const name of ['bert', 'modernbert'] as const) {
  test(`the ONNX file of ${name} gives the logits of the Hugging Face model within 1e-5`, async () => {
    const golden = await readGolden(name);
    const bytes = architectureOf(name).onnx(golden.shape, golden.weights);
    const logits = await runOnnx(bytes, golden.case.input_ids, golden.case.attention_mask);
    assertClose(logits, golden.case.logits.flat(), 1e-5);
  });
}

for (const name of ['modernbert', 'bert', 'bag', 'textcnn'] as const) {
  describe(`the ONNX file of ${name}`, () => {
    const shape = smallShape(name);
    const weights = randomWeights(shape);
    const bytes = architectureOf(name).onnx(shape, weights);

    test('takes ids and mask of any batch and length and gives one row of logits a text', async () => {
      const session = await openSession(bytes, { device: 'cpu', threads: 1 });
      try {
        assert.deepEqual(session.inputs, [
          { name: 'input_ids', type: 'int64', shape: ['batch', 'sequence'] },
          { name: 'attention_mask', type: 'int64', shape: ['batch', 'sequence'] },
        ]);
        assert.deepEqual(session.outputs, [
          { name: 'logits', type: 'float32', shape: ['batch', shape.classCount] },
        ]);
      } finally {
        await session.close();
      }
    });

    test('gives a row the same logits alone, in a batch, and with dirty padding', async () => {
      const alone = await runOnnx(bytes, [[1, 7, 9, 2]], [[1, 1, 1, 1]]);
      const ids = [
        [1, 7, 9, 2, 55, 56],
        [1, 30, 31, 32, 33, 2],
      ];
      const mask = [
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 1, 1, 1],
      ];
      const batch = await runOnnx(bytes, ids, mask);
      assertClose(batch.slice(0, shape.classCount), alone, 1e-6);
    });

    test('gives finite logits for a filler row without tokens', async () => {
      const logits = await runOnnx(bytes, [[0, 0]], [[0, 0]]);
      assert.ok(logits.every(Number.isFinite));
    });

    test('has the same bytes for the same weights', () => {
      assert.deepEqual(architectureOf(name).onnx(shape, randomWeights(shape)), bytes);
    });
  });
}

test('the ONNX file of bag computes classifier(relu(hidden(mean of embeddings)))', async () => {
  const shape = smallShape('bag');
  const weights = randomWeights(shape);
  const ids = [1, 7, 9, 9, 2];
  const logits = await runOnnx(
    architectureOf('bag').onnx(shape, weights),
    [[...ids, 0]],
    [[1, 1, 1, 1, 1, 0]],
  );
  const table = weights.get('embeddings.weight') ?? new Float32Array();
  const mean = Array.from({ length: shape.hiddenSize }, (_, column) => {
    const sum = ids.reduce((sum, id) => sum + (table[id * shape.hiddenSize + column] ?? 0), 0);
    return sum / ids.length;
  });
  const hidden = linear(weights, 'hidden', mean).map((value) => Math.max(0, value));
  assertClose(logits, linear(weights, 'classifier', hidden), 1e-5);
});

function linear(
  weights: ReadonlyMap<string, Float32Array>,
  name: string,
  x: readonly number[],
): number[] {
  const matrix = weights.get(`${name}.weight`) ?? new Float32Array();
  const bias = weights.get(`${name}.bias`) ?? new Float32Array();
  return Array.from(bias, (start, row) =>
    x.reduce((sum, value, column) => sum + value * (matrix[row * x.length + column] ?? 0), start),
  );
}

/** Neither zeros nor identities, in which a swapped axis could hide. */
function randomWeights(shape: StudentShape): Map<string, Float32Array> {
  const specs = architectureOf(shape.architecture).parameters(shape);
  const flat = initialise(specs, 1).map((weight, index) => weight + 0.1 * Math.sin(index));
  return toNamed(flat, specs);
}

async function runOnnx(
  bytes: Uint8Array,
  ids: readonly (readonly number[])[],
  mask: readonly (readonly number[])[],
): Promise<number[]> {
  const session = await openSession(bytes, { device: 'cpu', threads: 1 });
  try {
    const { logits } = await session.run({
      input_ids: int64Tensor(ids),
      attention_mask: int64Tensor(mask),
    });
    assert.ok(logits?.type === 'float32');
    return Array.from(logits.data);
  } finally {
    await session.close();
  }
}

function int64Tensor(rows: readonly (readonly number[])[]) {
  const dims = [rows.length, rows[0]?.length ?? 0];
  return { type: 'int64', data: BigInt64Array.from(rows.flat(), BigInt), dims } as const;
}

function assertClose(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: number,
): void {
  assert.equal(actual.length, expected.length);
  const worst = Math.max(
    ...actual.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN))),
  );
  assert.ok(worst <= tolerance, `${worst} > ${tolerance}`);
}

for (const name of ['modernbert', 'bert'] as const) {
  test(`a ${name} tagger gives a row of logits a token, whatever stands beside its text`, async () => {
    const shape: StudentShape = { ...smallShape(name), perToken: true };
    const bytes = architectureOf(name).onnx(shape, randomWeights(shape));
    const session = await openSession(bytes, { device: 'cpu', threads: 1 });
    assert.deepEqual(session.outputs, [
      { name: 'logits', type: 'float32', shape: ['batch', 'sequence', shape.classCount] },
    ]);
    await session.close();
    const alone = await runOnnx(bytes, [[1, 7, 9, 2]], [[1, 1, 1, 1]]);
    assert.equal(alone.length, 4 * shape.classCount);
    const ids = [
      [1, 7, 9, 2, 55, 56],
      [1, 30, 31, 32, 33, 2],
    ];
    const mask = [
      [1, 1, 1, 1, 0, 0],
      [1, 1, 1, 1, 1, 1],
    ];
    const batch = await runOnnx(bytes, ids, mask);
    assertClose(batch.slice(0, alone.length), alone, 1e-6);
  });
}

test('a tagger has the parameters of Hugging Face: no pooler in bert, all of modernbert', () => {
  const namesOf = (name: 'bert' | 'modernbert', perToken: boolean) =>
    architectureOf(name)
      .parameters({ ...smallShape(name), perToken })
      .map((parameter) => parameter.name);
  assert.deepEqual(
    namesOf('bert', true),
    namesOf('bert', false).filter((name) => !name.startsWith('bert.pooler')),
  );
  assert.deepEqual(namesOf('modernbert', true), namesOf('modernbert', false));
  assert.throws(() => architectureOf('bag').parameters({ ...smallShape('bag'), perToken: true }), {
    code: 'E_STUDENT_SHAPE',
  });
});
