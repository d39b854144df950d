import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { z } from 'zod';
import { openSoftLabels } from '#datasets/soft-labels/soft-labels.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { fitHead } from '#stages/fit-head/index.ts';
import { openClassifier } from '#stages/onnx/classifier.ts';
import { EMBEDDING } from '#stages/onnx/sentence-embedding.ts';
import { tokenRow } from '#stages/onnx/token-batches.ts';
import { prepare } from '#stages/prepare/index.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import { assertAllClose } from '#tests/support/close.ts';
import { failingWith } from '#tests/support/failure.ts';
import { sampleFiles } from '#tests/support/prepare-run.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { writeSentenceEncoder } from '#tests/support/sentence-encoder.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const encoder = writeSentenceEncoder(temporaryFolder(), 'mini');
const model = join(encoder, 'onnx', 'model.onnx');
const files = { model: [model], modelConfig: [join(encoder, 'config.json')] };
const config = { device: 'cpu', threads: 1 };

let prepared: StageRun;
let fitted: StageRun;

before(async () => {
  const { teacherConfig: _none, ...corpus } = sampleFiles('mini');
  const settings = { classesFrom: 'labels', teacherMaxLength: 64, studentMaxLength: 64 };
  prepared = await runStage(prepare, { config: settings, files: corpus });
  fitted = await runStage(fitHead, { config, files, inputs: inputsOf(prepared) });
});

/** What the graph gives the stage: nothing of the test split. */
function inputsOf({ outputs }: StageRun): Record<string, string> {
  const names = ['train', 'validation'].flatMap((split) => [
    `tokens/teacher/${split}`,
    `labels/${split}`,
  ]);
  return Object.fromEntries([...names, 'classes'].map((name) => [name, outputs[name] ?? '']));
}

test('a head that is fitted on ten labels a class knows the task', () => {
  const fit = z
    .object({
      embedding: z.literal('last_hidden_state'),
      pooling: z.literal('mean'),
      majority: z.number(),
      chosen: z.object({ accuracy: z.number(), negativeLogLikelihood: z.number() }),
      candidates: z.array(z.object({ negativeLogLikelihood: z.number() })),
    })
    .parse(JSON.parse(readFileSync(join(fitted.outputs['fit'] ?? '', 'fit.json'), 'utf8')));
  assert.ok(fit.chosen.accuracy > 0.75, `${fit.chosen.accuracy}`);
  assert.ok(fit.majority < 0.1);
  const best = Math.min(...fit.candidates.map((one) => one.negativeLogLikelihood));
  assert.equal(fit.chosen.negativeLogLikelihood, best);
  assert.match(fitted.notes.join('\n'), /is right on \d+\.\d % of 116 labelled validation rows/);
});

test('the encoder stays as it is in front of what is appended, and the classes have names', () => {
  const teacher = fitted.outputs['teacher'] ?? '';
  const own = readFileSync(model);
  assert.ok(
    readFileSync(join(teacher, 'onnx', 'model.onnx'))
      .subarray(0, own.length)
      .equals(own),
  );
  const { id2label, hidden_size: width } = JSON.parse(
    readFileSync(join(teacher, 'config.json'), 'utf8'),
  );
  assert.equal(id2label['0'], 'card_arrival');
  assert.equal(width, 128);
});

test('a vector is the mean over the real tokens of a text, bit for bit whatever stands beside it', async () => {
  const tokens = await readTokens(prepared.outputs['tokens/teacher/validation'] ?? '');
  const rows = [0, 1, 2, 3, 4].map((row) => tokenRow(tokens, row));
  const path = join(fitted.outputs['teacher'] ?? '', 'onnx', 'model.onnx');
  const open = (file: string, output: string) =>
    openClassifier(file, { device: 'cpu', threads: 1, output });
  const pooled = await open(path, EMBEDDING);
  const tokenwise = await open(model, 'last_hidden_state');
  try {
    const together = await pooled.logits(rows);
    for (const [index, row] of rows.entries()) {
      const hidden = await tokenwise.logits([row, row]);
      const length = row.tokenIds.length;
      const mean = Float64Array.from({ length: 128 }, (_, at) => {
        let sum = 0;
        for (let token = 0; token < length; token++) sum += hidden[token * 128 + at] ?? NaN;
        return sum / length;
      });
      assertAllClose(together.subarray(index * 128, (index + 1) * 128), mean, 1e-5);
    }
    const fewer = await pooled.logits(rows.slice(0, 2));
    assert.deepEqual([...fewer], [...together.subarray(0, 256)]);
  } finally {
    await pooled.close();
    await tokenwise.close();
  }
});

test('stage one takes the result for a classifier and never sees a label', async () => {
  const names = ['train', 'validation', 'test'].flatMap((split) => [
    `inputs/${split}`,
    `tokens/teacher/${split}`,
  ]);
  const inputs = Object.fromEntries(
    [...names, 'classes'].map((name) => [name, prepared.outputs[name] ?? '']),
  );
  const run = await runStage(softLabel, {
    config: { ...config, maxLength: 64, topK: 3 },
    files,
    inputs: { ...inputs, teacher: fitted.outputs['teacher'] ?? '' },
  });
  assert.equal(run.counts['teacherRows'], 1066);
  const reader = await openSoftLabels(run.outputs['rows/test'] ?? '');
  assert.equal(reader.rowCount, 240);
  await reader.close();
});

test('the same labels give the same bytes', async () => {
  const again = await runStage(fitHead, { config, files, inputs: inputsOf(prepared) });
  const bytes = (run: StageRun) =>
    readFileSync(join(run.outputs['teacher'] ?? '', 'onnx', 'model.onnx'));
  assert.ok(bytes(again).equals(bytes(fitted)));
});

test('how sentence-transformers pools is obeyed where its file says so', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, '1_Pooling'));
  const pooling = join(folder, '1_Pooling', 'config.json');
  const run = async (modes: object) => {
    writeFileSync(pooling, JSON.stringify(modes));
    return runStage(fitHead, {
      config,
      files: { ...files, pooling: [pooling] },
      inputs: inputsOf(prepared),
    });
  };
  const first = await run({ pooling_mode_cls_token: true, pooling_mode_mean_tokens: false });
  assert.match(first.notes.join(), /last_hidden_state, first token/);
  await assert.rejects(
    run({ pooling_mode_max_tokens: true }),
    failingWith('E_TEACHER_FILES', 'neither by the mean'),
  );
});

test('a classifier is refused, and so is a corpus without labels', async () => {
  const teacher = { ...files, model: sampleModel() };
  const inputs = inputsOf(prepared);
  await assert.rejects(
    runStage(fitHead, { config, files: teacher, inputs }),
    failingWith('E_TEACHER_UNSUPPORTED', 'it has "logits" already'),
  );
  const { validation: _none, ...corpus } = sampleFiles('mini');
  const unlabelled = await runStage(prepare, {
    files: { ...corpus, validation: corpus['train']?.slice(1) ?? [], train: corpus['train'] ?? [] },
  });
  await assert.rejects(
    runStage(fitHead, { config, files, inputs: inputsOf(unlabelled) }),
    failingWith('E_HEAD_LABELS', 'no validation row has a label'),
  );
});

function sampleModel(): string[] {
  const config = sampleFiles('mini')['teacherConfig']?.[0] ?? '';
  return [join(config, '..', 'onnx', 'model.onnx')];
}
