import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { calibrate, calibrationSchema } from '#stages/soft-label/calibrate.ts';
import { tokenTeacher } from '#tests/stages/onnx/logit-models.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  baseConfig,
  CLASS_COUNT,
  corpusOf,
  teacherWeights,
  tokensOf,
  writeCorpus,
  writeTeacher,
} from './small-run.ts';

const corpus = corpusOf(35);
const rowCount = Object.values(corpus).flat().length;
const everyToken = (row: number) => tokensOf(row).map((_, place) => place);

function tagger(): string {
  const path = join(temporaryFolder(), 'teacher.onnx');
  writeFileSync(path, tokenTeacher(teacherWeights(), CLASS_COUNT));
  return path;
}

async function calibrated(
  model: string,
  { answers, ...config }: { answers?: typeof everyToken; [setting: string]: unknown } = {},
) {
  const inputs = await writeCorpus(corpus, answers && { answers });
  const { outputs } = await runStage(calibrate, {
    config: { ...baseConfig, seconds: 60, ...config },
    inputs,
    files: { model: [model] },
  });
  const folder = outputs['calibration'] ?? '';
  const file = readFileSync(join(folder, 'calibration.json'), 'utf8');
  const { bytesPerRow } = calibrationSchema.parse(JSON.parse(file));
  const { size } = statSync(join(folder, 'sample.parquet'));
  return { bytesPerRow, size };
}

/** Every row was asked once, so the file is that of the whole corpus. */
function assertOfWholeCorpus({ bytesPerRow, size }: { bytesPerRow: number; size: number }): void {
  assert.equal(Math.round(size / bytesPerRow), rowCount);
}

for (const config of [{ keep: 'all' }, { keep: 'top-k' }, { keep: 'sampled', temperatures: [1] }]) {
  test(`keep ${config.keep}: a tagger is timed, lone sentences and all`, async () => {
    // One sentence of each length in a batch.
    assertOfWholeCorpus(
      await calibrated(tagger(), { ...config, answers: everyToken, tokenBudget: 1 }),
    );
  });
}

test('a row of a tagger weighs what all of its words do', async () => {
  const words = await calibrated(tagger(), { answers: everyToken, keep: 'all' });
  const one = await calibrated(tagger(), { answers: () => [0], keep: 'all' });
  assert.ok(words.bytesPerRow > 1.5 * one.bytesPerRow, JSON.stringify([words, one]));
});

test('a model of one row, and one of four that are not filled, are timed', async () => {
  for (const rows of [1, 4]) {
    const model = writeTeacher({ shape: [rows, 'sequence'] });
    assertOfWholeCorpus(await calibrated(model));
  }
});

test('a lone row of a free model is timed', async () => {
  assertOfWholeCorpus(await calibrated(writeTeacher(), { tokenBudget: 1 }));
});
