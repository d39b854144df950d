import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SPLITS } from '#datasets/example.ts';
import { readGraphNodes } from '#stages/onnx/graph-nodes.ts';
import { skimModelFile } from '#stages/onnx/model-skim.ts';
import { type OnnxSession, openSession } from '#stages/onnx/session.ts';
import { softLabelHead } from '#stages/onnx/surgery.ts';
import { keepOf, softLabelConfig } from '#stages/soft-label/settings.ts';
import { teacherOf } from '#stages/soft-label/teacher.ts';
import { askTeacher, corpusFiles, prepareFor } from '#tests/support/language-model-runs.ts';
import { writeMaskedLanguageModel } from '#tests/support/masked-language-model.ts';
import type { StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { VOCABULARY } from '#tests/support/tied-decoder.ts';
import { paragraphs } from './token-oracle.ts';

/** The sample's encoder with its embeddings as decoder: 30,522 classes, each place 47 MB of products. */
const maskedTeacher = join(temporaryFolder(), 'masked');
const maskedConfig = { task: 'masked-lm', topK: 32, temperatures: [1], tokenBudget: 512 };

test('where the head is computed for the asked tokens alone, every file has the same bytes', async () => {
  writeMaskedLanguageModel(maskedTeacher);
  const few = {
    train: paragraphs(0, 20),
    validation: paragraphs(60, 64),
    test: paragraphs(80, 84),
  };
  const prepared = await prepareFor(maskedTeacher, corpusFiles(few), { task: 'masked-lm' });
  const [early, late] = [
    await askTeacher(maskedTeacher, prepared, maskedConfig),
    await askTeacher(maskedTeacher, prepared, { ...maskedConfig, gather: 'off' }),
  ];
  const files = (run: StageRun) =>
    SPLITS.map((split) => join(run.outputs[`rows/${split}`] ?? '', 'part-00000.parquet')).map(
      (path) => readFileSync(path),
    );
  assert.deepEqual(files(early), files(late));
});

test('at k = 32 of 30,522 at most 1 % of the logits leave the session', async () => {
  const path = join(maskedTeacher, 'model.onnx');
  const keep = keepOf(softLabelConfig.parse({ topK: 32, temperatures: [1] }), VOCABULARY);
  const nodes = readGraphNodes(path);
  const { bytes, edits, outputs } = softLabelHead(skimModelFile(path), {
    ...keep,
    perToken: true,
    nodes,
  });
  const session = await openSession(path, { device: 'cpu', threads: 2, appendix: bytes, edits });
  const seen = { bytes: 0 };
  const counting: OnnxSession = {
    ...session,
    async run(feeds, fetches) {
      const results = await session.run(feeds, fetches);
      for (const result of Object.values(results)) {
        seen.bytes += result.type === 'other' ? 0 : result.data.byteLength;
      }
      return results;
    },
  };
  const teacher = teacherOf(counting, outputs, { keep, padTokenId: 0 });
  const tokenIds = Int32Array.from({ length: 16 }, (_, place) => 1000 + place);
  const at = Int32Array.from({ length: 16 }, (_, place) => place);
  const row = { exampleId: '', split: 'train', sourceId: null, text: null, typeIds: null } as const;
  const rows = [0, 1].map(() => ({ ...row, tokenIds, answers: { at, positions: at } }));
  // The first batch brings its logits once, to be looked at.
  await teacher.label(rows, 16);
  seen.bytes = 0;
  await teacher.label(rows, 16);
  await teacher.close();
  const dense = 32 * VOCABULARY * 4;
  assert.ok(seen.bytes <= dense / 100, `${seen.bytes} of ${dense} bytes`);
});
