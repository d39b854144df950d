import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSession } from '#stages/onnx/session.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { readTokenGolden, TOKEN_GOLDENS } from './golden.ts';

// No TensorFlow in this file: it and ONNX Runtime must not share a process.

for (const name of TOKEN_GOLDENS) {
  test(`the ONNX file of ${name} gives the logits of the Hugging Face model within 1e-5`, async () => {
    const { shape, weights, case: golden } = await readTokenGolden(name);
    const bytes = architectureOf(shape.architecture).onnx(shape, weights);
    const session = await openSession(bytes, { device: 'cpu', threads: 1 });
    try {
      assert.deepEqual(session.outputs, [
        { name: 'logits', type: 'float32', shape: ['batch', 'sequence', shape.classCount] },
      ]);
      const { logits } = await session.run({
        input_ids: int64Tensor(golden.input_ids),
        attention_mask: int64Tensor(golden.attention_mask),
      });
      assert.ok(logits?.type === 'float32');
      const found = golden.labels
        .flat()
        .flatMap((label, place) =>
          label < 0
            ? []
            : [...logits.data.subarray(place * shape.classCount, (place + 1) * shape.classCount)],
        );
      const expected = golden.logits.flat();
      assert.equal(found.length, expected.length);
      const worst = Math.max(...found.map((value, i) => Math.abs(value - (expected[i] ?? NaN))));
      assert.ok(worst <= 1e-5, `${worst}`);
    } finally {
      await session.close();
    }
  });
}

function int64Tensor(rows: readonly (readonly number[])[]) {
  return {
    type: 'int64',
    data: BigInt64Array.from(rows.flat(), BigInt),
    dims: [rows.length, rows[0]?.length ?? 0],
  } as const;
}
