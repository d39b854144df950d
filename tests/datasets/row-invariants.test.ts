import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { brokenRows } from '#datasets/row-invariants.ts';
import type { SoftLabelRows } from '#datasets/soft-labels/soft-labels.ts';
import { logitsOf } from '#tests/support/logits.ts';
import { sampleMeta, sampleRows } from '#tests/support/soft-label-sample.ts';
import { softLabelsOf } from '#tests/support/tiny-world.ts';

const meta = sampleMeta('top-k');
const good = sampleRows(meta, 6);

/** The only complaint about row 3 after a change of it. */
function complaint(change: Partial<SoftLabelRows>, mode: 'top-k' | 'dense' = 'top-k'): string {
  const rows = { ...(mode === 'dense' ? sampleRows(sampleMeta('dense'), 6) : good), ...change };
  const found = brokenRows(rows, sampleMeta(mode), 'train', new Set());
  assert.deepEqual(
    found.map(({ row, exampleId }) => [row, exampleId]),
    [[3, rows.exampleIds[3]]],
  );
  return found[0]?.problem ?? '';
}

/** A copy with one value replaced. */
function withValue<A extends Float32Array | Int32Array>(
  values: A,
  index: number,
  value: number,
): A {
  const copy = values.slice() as A;
  copy[index] = value;
  return copy;
}

for (const mode of ['top-k', 'dense'] as const) {
  test(`property: ${mode} rows that any teacher can give are fine`, () => {
    const own = { ...sampleMeta(mode), classNames: ['a', 'b', 'c', 'd', 'e', 'f'] };
    fc.assert(
      fc.property(fc.array(logitsOf(6, 6), { minLength: 1, maxLength: 5 }), (logits) => {
        const rows = logits.map((values, row) => ({
          id: row.toString(16).padStart(32, '0'),
          logits: values.map((value) => Math.fround(value * 4)),
        }));
        const labels = softLabelsOf('train', rows, own);
        assert.deepEqual(brokenRows(labels, own, 'train', new Set()), []);
      }),
    );
  });
}

test('an id that comes twice is told, also across files', () => {
  const seen = new Set<string>();
  assert.deepEqual(brokenRows(good, meta, 'train', seen), []);
  const again = brokenRows(good, meta, 'train', seen);
  assert.equal(again.length, 6);
  assert.match(again[0]?.problem ?? '', /another row has the same example id/);
});

test('ids, splits, classes and the order of the logits are held', () => {
  assert.match(
    complaint({ exampleIds: good.exampleIds.with(3, 'x') }),
    /example id is not 32 hex digits/,
  );
  assert.match(complaint({ splits: good.splits.with(3, 'test') }), /split test.*rows\/train/);
  const [first = 0] = good.topIds.subarray(6, 7);
  assert.match(complaint({ topIds: withValue(good.topIds, 7, first) }), /class stands twice/);
  assert.match(complaint({ topLogits: withValue(good.topLogits, 7, 99) }), /rise at place 1/);
  assert.match(complaint({ topLogits: withValue(good.topLogits, 6, NaN) }), /not finite/);
});

test('probabilities must sum to 1 at every stored temperature', () => {
  for (const [index, temperature] of meta.temperatures.entries()) {
    const shifted = (values: readonly Float32Array[], by: number) =>
      values.map((column, t) =>
        t === index ? withValue(column, 3, (column[3] ?? 0) + by) : column,
      );
    const at = new RegExp(`sum to .* at T = ${temperature}`);
    assert.match(complaint({ tailLogMass: shifted(good.tailLogMass, 0.01) }), at);
    assert.match(complaint({ logSumExp: shifted(good.logSumExp, 0.001) }), at);
    assert.match(complaint({ logSumExp: shifted(good.logSumExp, -5) }), /below the top logit/);
    const dense = sampleRows(sampleMeta('dense'), 6);
    assert.match(complaint({ logSumExp: shifted(dense.logSumExp, 0.001) }, 'dense'), at);
  }
});

test('an entropy outside of 0 and ln(classes) is told', () => {
  assert.match(complaint({ entropyNats: withValue(good.entropyNats, 3, -0.1) }), /entropy_nats/);
  assert.match(complaint({ entropyNats: withValue(good.entropyNats, 3, 2) }), /entropy_nats/);
});

test('a feature that is no number is told by its column', () => {
  const tokens = sampleMeta('tokens');
  const rows = sampleRows(tokens, 6);
  const lastLayer = rows.hidden?.['last_layer'] ?? assert.fail();
  const problems = (values: Float32Array) =>
    brokenRows({ ...rows, hidden: { last_layer: values } }, tokens, 'train', new Set());
  assert.deepEqual(problems(lastLayer), []);
  const [{ row, problem } = assert.fail()] = problems(withValue(lastLayer, 3 * 4 + 2, Infinity));
  assert.deepEqual([row, problem], [4, 'hidden_last_layer is not finite']);
});
