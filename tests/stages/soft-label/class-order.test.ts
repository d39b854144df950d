import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { inClassOrder, outputsOfClasses } from '#stages/soft-label/class-order.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const classes = ['apple', 'banana', 'cherry'];
const folder = temporaryFolder('decant-class-order');

function configOf(names: readonly string[]): string {
  const path = join(folder, 'config.json');
  const id2label = Object.fromEntries(names.map((name, id) => [id, name]));
  writeFileSync(path, JSON.stringify({ id2label }));
  return path;
}

test('names say which output stands for a class', () => {
  assert.deepEqual(outputsOfClasses(configOf(['cherry', 'apple', 'banana']), classes), [1, 2, 0]);
});

test('outputs in the order of the classes, numbers, or no config leave everything as it is', () => {
  assert.equal(outputsOfClasses(configOf(classes), classes), undefined);
  assert.equal(outputsOfClasses(configOf(['LABEL_0', 'LABEL_1', 'LABEL_2']), classes), undefined);
  assert.equal(outputsOfClasses(undefined, classes), undefined);
});

test('a class that the teacher lacks is named', () => {
  assert.throws(() => outputsOfClasses(configOf(['cherry', 'apple', 'date']), classes), {
    code: 'E_TEACHER_CLASSES',
    message: /no class "banana"/,
  });
});

test('property: every number finds its class, in lists as in rows of all logits', () => {
  const orders = fc.integer({ min: 2, max: 9 }).chain((width) =>
    fc.record({
      outputs: fc.shuffledSubarray([...Array(width).keys()], { minLength: width }),
      rows: fc.integer({ min: 1, max: 3 }),
    }),
  );
  fc.assert(
    fc.property(orders, ({ outputs, rows }) => {
      const width = outputs.length;
      const columns = {
        topIds: Int32Array.from(outputs),
        topLogits: new Float32Array(width),
        logits: Float32Array.from({ length: rows * width }, (_, at) => at),
        logSumExp: [],
        tailLogMass: [],
        entropyNats: new Float32Array(rows),
      };
      const found = inClassOrder(columns, outputs);
      // The output of class c is outputs[c], so those outputs in a row are the classes 0, 1, 2, ...
      assert.deepEqual([...found.topIds], [...Array(width).keys()]);
      for (let row = 0; row < rows; row++) {
        assert.deepEqual(
          [...found.logits.subarray(row * width, (row + 1) * width)],
          outputs.map((output) => row * width + output),
        );
      }
    }),
  );
});
