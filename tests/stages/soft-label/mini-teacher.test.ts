import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { readClasses } from '#datasets/classes.ts';
import { logNormalisers, logSumExpOf } from '#datasets/soft-labels/log-normalisers.ts';
import type { SoftLabelMeta, SoftLabelRows } from '#datasets/soft-labels/soft-labels.ts';
import { forwardKl } from '#stages/numerics/divergence.ts';
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

test('what the real teacher says survives 16 bits within 1e-8 nat and 8 bits within 2e-4, its best class always', async () => {
  const config = { topK: 3, temperatures: [1, 2, 4], maxLength: 64 };
  const exact = await rowsOf(await runSoftLabel({ config, inputs, files }), 'train');
  for (const [precision, largestKl] of [
    ['compact', 1e-8],
    ['small', 2e-4],
  ] as const) {
    const run = await runSoftLabel({ config: { ...config, precision }, inputs, files });
    const { rows, meta } = await rowsOf(run, 'train');
    assert.deepEqual(rows.topIds, exact.rows.topIds);
    for (const t of config.temperatures) {
      const [before, after] = [
        distributions(exact.rows, exact.meta, t),
        distributions(rows, meta, t),
      ];
      const kls = before.map((logs, row) => forwardKl(logs, after[row] ?? []));
      const mean = kls.reduce((sum, kl) => sum + kl, 0) / kls.length;
      assert.ok(Math.abs(mean) <= largestKl, `${precision} at T = ${t}: ${mean}`);
    }
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

/** Log-probabilities of the top k and of the tail, without the float32 rounding of their sum. */
function distributions(rows: SoftLabelRows, meta: SoftLabelMeta, temperature: number): number[][] {
  const normalisers = logNormalisers(rows, meta, temperature);
  const tail = rows.tailLogMass[meta.temperatures.indexOf(temperature)] ?? assert.fail();
  const k = meta.topK ?? assert.fail();
  return rows.exampleIds.map((_, row) => {
    const top = rows.topLogits.subarray(row * k, (row + 1) * k);
    const logs = [...top].map((logit) => logit / temperature - (normalisers[row] ?? Number.NaN));
    const all = [...logs, tail[row] ?? Number.NaN];
    return all.map((log) => log - logSumExpOf(all));
  });
}

function near(found: number | undefined, expected: number): void {
  assert.ok(Math.abs((found ?? NaN) - expected) <= 0.15, `${found} is not ${expected}`);
}
