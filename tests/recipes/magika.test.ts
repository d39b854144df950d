import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { tensorIdOf } from '#datasets/example-id.ts';
import { openSoftLabels } from '#datasets/soft-labels/soft-labels.ts';
import { highestPlaces } from '#datasets/soft-labels/top-classes.ts';
import { prepare } from '#stages/prepare/index.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import { corpusFile, jsonLines } from '#tests/support/corpus-file.ts';
import { sharedFolder } from '#tests/support/paths.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const shared = sharedFolder();
const skip = shared === undefined && 'the weights beside the checkout are not there';
const magika = join(shared ?? '', 'data', 'weights', 'magika');

/**
 * What Magika's own program said of contents that are published with it. The other model there, fast_v2_1, has none:
 * reference.json.gz holds how contents are cut, and no prediction.
 */
const referenceSchema = z.array(
  z.object({
    content_base64: z.string(),
    prediction: z.object({ dl: z.string(), score: z.number() }),
  }),
);

const settingsSchema = z.object({
  beg_size: z.int(),
  end_size: z.int(),
  block_size: z.int(),
  padding_token: z.int(),
  target_labels_space: z.array(z.string()),
});

test('Magika reads bytes as a tensor, and says what its own program said', { skip }, async () => {
  const folder = join(magika, 'standard_v3_3');
  const settings = settingsSchema.parse(
    JSON.parse(readFileSync(join(folder, 'config.min.json'), 'utf8')),
  );
  const packed = readFileSync(join(magika, 'standard_v3_3-inference_examples_by_content.json.gz'));
  const references = referenceSchema
    .parse(JSON.parse(gunzipSync(packed).toString('utf8')))
    // Of contents that are too short to be looked at its rules decide, not the model.
    .filter(({ prediction }) => prediction.dl !== 'undefined');
  assert.equal(references.length, 129);
  const rows = references.map(({ content_base64, prediction }) => ({
    bytes: bytesOf(Buffer.from(content_base64, 'base64'), settings),
    label: prediction.dl,
    score: prediction.score,
  }));
  const contents = [...new Map(rows.map((row) => [row.bytes.join(), row])).values()];
  const work = temporaryFolder();
  const part = (from: number, to: number) =>
    jsonLines(contents.slice(from, to).map(({ bytes, label }) => ({ bytes, label })));
  const prepared = await runStage(prepare, {
    config: {
      classNames: settings.target_labels_space,
      columns: { text: null, tensors: { bytes: { columns: 'bytes', shape: [2048] } } },
    },
    files: {
      train: [corpusFile(work, 'train.jsonl', part(0, -4))],
      validation: [corpusFile(work, 'validation.jsonl', part(-4, -2))],
      test: [corpusFile(work, 'test.jsonl', part(-2, contents.length))],
    },
  });
  const spoken = await runStage(softLabel, {
    config: { keep: 'all', device: 'cpu' },
    inputs: prepared.outputs,
    files: { model: [join(folder, 'model.onnx')] },
  });
  assert.match(spoken.warnings.join('\n'), /the teacher gives probabilities/);
  const said = new Map<string, { label: string; score: number }>();
  for (const split of ['train', 'validation', 'test']) {
    const reader = await openSoftLabels(spoken.outputs[`rows/${split}`] ?? '');
    const classNames = reader.meta.classNames;
    for await (const { exampleIds, logits } of reader.rows()) {
      const best = highestPlaces(logits, classNames.length);
      for (const [row, exampleId] of exampleIds.entries()) {
        const classId = best[row] ?? -1;
        const score = logits[row * classNames.length + classId] ?? Number.NaN;
        said.set(exampleId, { label: classNames[classId] ?? '', score });
      }
    }
    await reader.close();
  }
  for (const { bytes, label, score } of rows) {
    const found = said.get(tensorIdOf('', null, { bytes: Float32Array.from(bytes) }));
    assert.equal(found?.label, label);
    // Computed elsewhere, by another release of the runtime: labels are equal, scores nearly so.
    assert.ok(
      Math.abs((found?.score ?? 0) - score) < 5e-3,
      `${label}: ${found?.score}, not ${score}`,
    );
  }
});

/** Begin and end of a content without white space around it, as Magika cuts them. */
function bytesOf(content: Buffer, settings: z.infer<typeof settingsSchema>): number[] {
  const { beg_size, end_size, block_size, padding_token } = settings;
  const isSpace = (byte: number) => byte === 32 || (byte >= 9 && byte <= 13);
  const head = [...content.subarray(0, block_size)];
  const tail = [...content.subarray(Math.max(0, content.length - block_size))];
  const first = head.findIndex((byte) => !isSpace(byte));
  const begin = (first === -1 ? [] : head.slice(first)).slice(0, beg_size);
  const last = tail.findLastIndex((byte) => !isSpace(byte));
  const end = tail.slice(0, last + 1).slice(-end_size);
  const padding = (count: number) => Array.from({ length: count }, () => padding_token);
  return [...begin, ...padding(beg_size - begin.length), ...padding(end_size - end.length), ...end];
}
