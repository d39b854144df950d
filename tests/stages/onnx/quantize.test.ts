import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openClassifier } from '#stages/onnx/classifier.ts';
import { int8Columns, int8Rows } from '#stages/onnx/int8-matrix.ts';
import { skimModel } from '#stages/onnx/model-skim.ts';
import { quantized } from '#stages/onnx/quantize.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise, toNamed } from '#stages/students/parameters.ts';
import { untrainedStudent } from '#tests/bench/predict/student.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { tinyStudents } from '#tests/support/tiny-students.ts';

const ROWS = [
  [101, 2023, 3231, 102],
  [101, 2129, 2079, 1045, 2131, 2026, 4003, 102],
].map((ids) => ({ tokenIds: Int32Array.from(ids), typeIds: null }));

for (const architecture of ['modernbert', 'bert', 'bag'] as const) {
  test(`a ${architecture} with int8 weights says nearly the same in a quarter of the bytes`, async () => {
    const model = readFileSync(join(untrainedStudent(architecture), 'onnx', 'model.onnx'));
    const small = quantized(model);
    assert.ok(small.length < 0.3 * model.length, `${small.length} of ${model.length} bytes`);
    const [before, after] = [await logitsOf(model), await logitsOf(small)];
    const scale = Math.max(...before.map(Math.abs));
    const worst = Math.max(...before.map((logit, at) => Math.abs(logit - (after[at] ?? NaN))));
    assert.ok(worst < 0.05 * scale, `${worst} of ${scale}`);
    assert.deepEqual(quantized(model), small);
  });
}

for (const name of ['bert masked', 'modernbert masked', 'gpt2 causal']) {
  test(`${name} reads its word table and multiplies with it, both in 8 bits`, async () => {
    const tiny = tinyStudents.find((one) => one.name === name);
    assert.ok(tiny);
    const words = { vocabularySize: 200, classCount: 200 };
    const shape = { ...tiny.shape, ...words, hiddenSize: 16, intermediateSize: 24 };
    const architecture = architectureOf(shape.architecture);
    const specs = architecture.parameters(shape);
    const model = architecture.onnx(shape, toNamed(initialise(specs, 1), specs));
    const small = quantized(model);
    // Layers this small stay as they are.
    assert.ok(small.length < 0.9 * model.length, `${small.length} of ${model.length} bytes`);
    const rows = [{ tokenIds: Int32Array.from([1, 199, 7, 64, 2]), typeIds: null }];
    const [before, after] = [await logitsOf(model, rows), await logitsOf(small, rows)];
    assert.equal(after.length, 5 * 200);
    const scale = Math.max(...before.map(Math.abs));
    const worst = Math.max(...before.map((logit, at) => Math.abs(logit - (after[at] ?? NaN))));
    assert.ok(worst > 0 && worst < 0.05 * scale, `${worst} of ${scale}`);
  });
}

test('the teacher of the sample keeps its classes with int8 weights', async () => {
  const model = readFileSync(join(sampleFolder('mini'), 'teacher', 'onnx', 'model.onnx'));
  const small = quantized(model);
  assert.ok(skimModel(small).operators.has('MatMulInteger'));
  const rows = [[2, 5, 6, 7, 3]].map((ids) => ({ tokenIds: Int32Array.from(ids), typeIds: null }));
  const [before, after] = [await logitsOf(model, rows), await logitsOf(small, rows)];
  assert.equal(before.indexOf(Math.max(...before)), after.indexOf(Math.max(...after)));
});

test('property: a quantised matrix is within half a step, and zeros stay zeros', () => {
  const matrices = fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
    .chain(([rows, columns]) =>
      fc.record({
        rows: fc.constant(rows),
        columns: fc.constant(columns),
        values: fc
          .array(fc.float({ min: -8, max: 8, noNaN: true }), {
            minLength: rows * columns,
            maxLength: rows * columns,
          })
          // Below, the step itself has no digits left.
          .map((values) =>
            Float32Array.from(values, (value) => (Math.abs(value) < 1e-20 ? 0 : value)),
          ),
      }),
    );
  fc.assert(
    fc.property(matrices, (matrix) => {
      const { rows, columns, values } = matrix;
      const [byColumn, byRow] = [int8Columns(matrix), int8Rows(matrix)];
      for (let at = 0; at < rows * columns; at++) {
        const value = values[at] ?? NaN;
        const ofColumn = byColumn.scales[at % columns] ?? NaN;
        const ofRow = byRow.scales[Math.floor(at / columns)] ?? NaN;
        assert.ok(Math.abs((byColumn.values[at] ?? NaN) * ofColumn - value) <= ofColumn * 0.5001);
        assert.ok(Math.abs((byRow.values[at] ?? NaN) * ofRow - value) <= ofRow * 0.5001);
      }
    }),
  );
});

async function logitsOf(model: Uint8Array, rows = ROWS): Promise<number[]> {
  const classifier = await openClassifier(model, { device: 'cpu', threads: 1 });
  try {
    return [...(await classifier.logits(rows))];
  } finally {
    await classifier.close();
  }
}
