import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { Failure } from '#cache/failure.ts';
import { softLabelConfig } from '#stages/soft-label/settings.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import {
  CLASS_COUNT,
  corpusOf,
  idOf,
  rowsOf,
  runSoftLabel,
  teacherWeights,
  tokensOf,
  VOCABULARY,
  writeCorpus,
  writeTeacher,
} from './small-run.ts';

const inputs = await writeCorpus(corpusOf(12));

test('inputs that cannot be matched are listed on both sides', async () => {
  for (const [names, wanted] of [
    [['input_ids', 'pixel_values'], /input_ids \(int64\[batch, sequence\]\), pixel_values/],
    [['tokens', 'attention_mask'], /tokens/],
  ] as const) {
    const model = writeTeacher({ inputs: names });
    await refused({ model: [model] }, 'E_TEACHER_INPUTS', wanted);
    await refused(
      { model: [model] },
      'E_TEACHER_INPUTS',
      /Decant has input_ids, attention_mask, token_type_ids/,
    );
  }
});

test('ids that come as floats are refused, as large ones would become others', async () => {
  const model = writeTeacher({ types: { input_ids: 'float16' } });
  await refused({ model: [model] }, 'E_TEACHER_INPUTS', /input_ids \(float16\[batch, sequence\]\)/);
});

test('a teacher of another number of classes is refused with both numbers, declared or not', async () => {
  const weights = new Float32Array(VOCABULARY * 4);
  for (const declareClasses of [true, false]) {
    const model = writeTeacher({ weights, classCount: 4, declareClasses });
    await refused(
      { model: [model] },
      'E_TEACHER_CLASSES',
      /gives 4 numbers a row .* has 6 classes/,
    );
  }
});

test('a teacher of one length refuses longer rows by name, and shorter ones without a mask', async () => {
  const short = writeTeacher({ shape: ['batch', 8] });
  await refused({ model: [short] }, 'E_TEACHER_LENGTH', /example \w{32} has \d+ tokens.*for 8/);
  const model = writeTeacher({ shape: ['batch', 32], mask: false });
  await refused(
    { model: [model] },
    'E_TEACHER_INPUTS',
    /32 tokens a row and has no attention_mask/,
  );
});

test('a teacher that says nothing is refused before anything is written', async () => {
  const model = writeTeacher({ weights: new Float32Array(VOCABULARY * CLASS_COUNT).fill(0.5) });
  await refused({ model: [model] }, 'E_TEACHER_SILENT', /same logit in each of the first \d+ rows/);
});

test('where a lookup fails that the graph does not show, the tokenizer is named as the likely cause', async () => {
  const model = writeTeacher({
    inputs: ['position_ids', 'attention_mask', 'input_ids'],
    weights: teacherWeights().slice(0, 10 * CLASS_COUNT),
  });
  await assert.rejects(
    runSoftLabel({ inputs, files: { model: [model] } }),
    (error) =>
      error instanceof Failure &&
      error.code === 'E_MODEL_RUN' &&
      error.fix.includes('tokenizer.json of this very model'),
  );
});

test('a file that is no model is refused by name', async () => {
  const text = `${sampleFolder('mini')}/teacher/config.json`;
  await refused({ model: [text] }, 'E_MODEL_BROKEN', /config\.json: not an ONNX model/);
});

test('device: cuda without CUDA names what is missing and runs nothing on the CPU', async (t) => {
  if (existsSync('/dev/nvidia0')) return t.skip('there is a GPU');
  await refused({ model: [writeTeacher()] }, 'E_CUDA_UNAVAILABLE', /provider file|driver|librar/, {
    device: 'cuda',
  });
});

test('device: auto without CUDA runs on the CPU and says why', async (t) => {
  if (existsSync('/dev/nvidia0')) return t.skip('there is a GPU');
  const run = await runSoftLabel({
    inputs,
    files: { model: [writeTeacher()] },
    config: { device: 'auto' },
  });
  assert.match(run.notes.join('\n'), /the teacher runs on cpu \(.+\)/);
});

test('one NaN or infinite row in a thousand is left out, told and counted', async () => {
  const poisonedInputs = await writeCorpus(corpusOf(1100), { tokens: poisoned([17]) });
  for (const poison of [Number.NaN, Infinity, -Infinity]) {
    const run = await runSoftLabel({
      inputs: poisonedInputs,
      files: { model: [nanTeacher(poison)] },
      config: { tokenBudget: 4096 },
    });
    assert.equal(run.counts['quarantined'], 1);
    assert.match(run.warnings.join('\n'), new RegExp(`train row ${idOf(17)} "text of row 17"`));
    const { rows } = await rowsOf(run, 'train');
    assert.equal(rows.rowCount, 1099);
    assert.ok(!rows.exampleIds.includes(idOf(17)));
    assert.ok(rows.entropyNats.every(Number.isFinite));
  }
});

test('more NaN rows stop the run, which names the first', async () => {
  for (const keep of ['top-k', 'all']) {
    const poisonedInputs = await writeCorpus(corpusOf(12), { tokens: poisoned([4, 9]) });
    await assert.rejects(
      runSoftLabel({ inputs: poisonedInputs, files: { model: [nanTeacher()] }, config: { keep } }),
      (error) =>
        error instanceof Failure &&
        error.code === 'E_TEACHER_NAN' &&
        error.message.includes(`train row ${idOf(4)} (id source-4) "text of row 4"`),
    );
  }
});

test('tokens cut longer than maxLength allows are refused', async () => {
  await refused(
    { model: [writeTeacher()] },
    'E_TOKENS_MISMATCH',
    /cut at 32 tokens, but maxLength is 16/,
    {
      maxLength: 16,
    },
  );
});

test('temperatures must be distinct and hold 1', () => {
  const problem = (temperatures: number[]) =>
    softLabelConfig.safeParse({ temperatures }).error?.issues[0]?.message;
  assert.match(problem([1, 2, 2]) ?? '', /distinct/);
  assert.match(problem([2, 4]) ?? '', /must include 1/);
  assert.equal(problem([2, 1]), undefined);
});

async function refused(
  files: Record<string, string[]>,
  code: string,
  message: RegExp,
  config: Record<string, unknown> = {},
): Promise<void> {
  await assert.rejects(
    runSoftLabel({ inputs, files, config }),
    (error) => error instanceof Failure && error.code === code && message.test(error.message),
  );
}

/** Rows of these numbers contain the token whose weights are NaN. */
function poisoned(rows: readonly number[]): typeof tokensOf {
  return (row) => (rows.includes(row) ? [...tokensOf(row), VOCABULARY - 1] : tokensOf(row));
}

function nanTeacher(poison = Number.NaN): string {
  const weights = teacherWeights();
  weights.fill(poison, (VOCABULARY - 1) * CLASS_COUNT);
  return writeTeacher({ weights });
}
