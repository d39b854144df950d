import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { readClasses } from '#datasets/classes.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { rowsOf, runSoftLabel, writeCorpus } from './small-run.ts';

const folder = sampleFolder('mini');
const reference = z
  .array(
    z.object({
      input_ids: z.array(z.int()),
      top: z.array(z.tuple([z.int(), z.number()])),
      logsumexp: z.number(),
    }),
  )
  .parse(JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8')));
const classNames = z
  .array(z.string())
  .parse(JSON.parse(readFileSync(join(folder, 'labels.json'), 'utf8')));
const files = {
  model: [join(folder, 'teacher', 'onnx', 'model.onnx')],
  modelConfig: [join(folder, 'teacher', 'config.json')],
};
const rowNumbers = [...reference.keys()];
const inputs = await writeCorpus(
  {
    train: rowNumbers.slice(0, 20),
    validation: rowNumbers.slice(20, 26),
    test: rowNumbers.slice(26),
  },
  { classNames, tokens: (row) => reference[row]?.input_ids ?? [] },
);

test('the real teacher gives the logits of its reference, top k and dense', async () => {
  for (const keep of ['top-k', 'all'] as const) {
    const run = await runSoftLabel({ config: { keep, topK: 3, maxLength: 64 }, inputs, files });
    const { rows, meta } = await rowsOf(run, 'train');
    rows.exampleIds.forEach((exampleId, row) => {
      const expected = reference[Number.parseInt(exampleId, 16)];
      assert.ok(expected);
      // Weights stored as int8 move logits by up to 0.15.
      near(rows.logSumExp[0]?.[row], expected.logsumexp);
      for (const [rank, [classId, logit]] of expected.top.entries()) {
        if (meta.mode === 'dense') near(rows.logits[row * 12 + classId], logit);
        else if (rank < 3) near(rows.topLogits[row * 3 + rank], logit);
      }
    });
  }
});

test('batches and threads of the real teacher do not change a byte', async () => {
  const outcomes = [];
  for (const config of [
    { tokenBudget: 2048 },
    { tokenBudget: 1 },
    { tokenBudget: 100, threads: 2 },
  ]) {
    const run = await runSoftLabel({ config: { maxLength: 64, ...config }, inputs, files });
    const { shards } = await rowsOf(run, 'train');
    outcomes.push(shards.map((path) => readFileSync(path)));
  }
  assert.deepEqual(outcomes[1], outcomes[0]);
  assert.deepEqual(outcomes[2], outcomes[0]);
});

test('the classes go along', async () => {
  const run = await runSoftLabel({ config: { maxLength: 64 }, inputs, files });
  assert.deepEqual(await readClasses(run.outputs['classes'] ?? ''), classNames);
});

function near(found: number | undefined, expected: number): void {
  assert.ok(Math.abs((found ?? NaN) - expected) <= 0.15, `${found} is not ${expected}`);
}
