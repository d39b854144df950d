import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Example, SPLITS } from '#datasets/example.ts';
import { readExamples, writeExamples } from '#datasets/examples.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-examples');
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const example: fc.Arbitrary<Example> = fc.record(
  {
    exampleId: text,
    split: fc.constantFrom(...SPLITS),
    sourceId: fc.option(text),
    text,
    textPair: fc.option(text),
    weight: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  },
  { noNullPrototype: true },
);

test('property: examples come back in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(example), async (examples) => {
      await writeExamples(folder, examples);
      assert.deepEqual(await readExamples(folder), examples);
    }),
    { numRuns: 40 },
  );
});

test('more rows than one row group holds come back in order', async () => {
  const [one] = fc.sample(example, { numRuns: 1, seed: 5 });
  assert.ok(one);
  const examples = Array.from({ length: 25_000 }, (_, row) => ({ ...one, sourceId: `row ${row}` }));
  await writeExamples(folder, examples);
  assert.deepEqual(await readExamples(folder), examples);
});
