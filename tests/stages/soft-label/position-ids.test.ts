import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  CLASS_COUNT,
  corpusOf,
  rowsOf,
  runSoftLabel,
  teacherWeights,
  tokensOf,
  writeCorpus,
  writeTeacher,
} from './small-run.ts';

/** A teacher that adds up what it knows of each position and never looks at a token. */
const model = writeTeacher({ inputs: ['position_ids', 'attention_mask', 'input_ids'] });
const corpus = corpusOf(12);

/** Best logit of each train row, of a teacher with this config.json. */
async function bestLogits(config: object | undefined): Promise<number[]> {
  const path = join(temporaryFolder(), 'config.json');
  if (config !== undefined) writeFileSync(path, JSON.stringify(config));
  const run = await runSoftLabel({
    config: { topK: 1, tokenBudget: 64 },
    inputs: await writeCorpus(corpus),
    files: { model: [model], ...(config && { modelConfig: [path] }) },
  });
  return [...(await rowsOf(run, 'train')).rows.topLogits];
}

/** The same by hand, with the first token at this position. */
function expectedFrom(first: number): number[] {
  const weights = teacherWeights();
  return corpus.train.map((row) => {
    const places = tokensOf(row).map((_, place) => first + place);
    const logits = Array.from({ length: CLASS_COUNT }, (_, id) =>
      places.reduce((sum, place) => sum + (weights[place * CLASS_COUNT + id] ?? NaN), 0),
    );
    return Math.max(...logits);
  });
}

function assertNear(found: readonly number[], expected: readonly number[]): void {
  assert.equal(found.length, expected.length);
  for (const [row, value] of expected.entries()) {
    assert.ok(Math.abs((found[row] ?? NaN) - value) < 1e-5, `row ${row}: ${found[row]}, ${value}`);
  }
}

test('positions are counted from 0, and from padding + 1 in the family of RoBERTa', async () => {
  assertNear(await bestLogits(undefined), expectedFrom(0));
  assertNear(await bestLogits({ model_type: 'bert', pad_token_id: 0 }), expectedFrom(0));
  assertNear(await bestLogits({ model_type: 'xlm-roberta', pad_token_id: 1 }), expectedFrom(2));
  assertNear(await bestLogits({ model_type: 'mpnet', pad_token_id: 4 }), expectedFrom(5));
});
