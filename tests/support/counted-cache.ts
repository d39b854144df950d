import { join } from 'node:path';
import { readClasses } from '#datasets/classes.ts';
import { writeSoftLabelShard } from '#datasets/soft-labels/soft-labels.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { labelledRows } from '#stages/soft-label/label-columns.ts';
import { servedLabels } from '#stages/soft-label/served-labels.ts';
import { keepOf, softLabelConfig } from '#stages/soft-label/settings.ts';
import type { StageRun } from './run-stage.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Log-probabilities that a teacher gives at a place of a text in which `original` is right. */
export type Says = (ids: Int32Array, place: number, original: number) => ArrayLike<number>;

/**
 * What a teacher says of the asked tokens of train and validation, as `soft-label` with these settings
 * would keep it: without ONNX Runtime, which shares no process with TensorFlow. Inputs by their names.
 */
export async function countedCache(
  prepared: StageRun,
  says: Says,
  settings: object,
): Promise<Record<string, string>> {
  const classNames = await readClasses(prepared.outputs['classes'] ?? '');
  const keep = keepOf(softLabelConfig.parse(settings), classNames.length);
  const folder = temporaryFolder();
  const inputs: Record<string, string> = {};
  for (const split of ['train', 'validation'] as const) {
    const tokens = await readTokens(prepared.outputs[`tokens/teacher/${split}`] ?? '');
    const { offsets, tokenIds, answers, tokenizerDigest, maxLength } = tokens;
    const rows = tokens.exampleIds.map((exampleId, row) => {
      const own = (values: Int32Array | undefined) =>
        values?.subarray(answers?.offsets[row], answers?.offsets[row + 1]) ?? new Int32Array();
      return {
        exampleId,
        split,
        sourceId: null,
        ids: tokenIds.subarray(offsets[row], offsets[row + 1]),
        originals: own(answers?.originals),
        answers: { at: own(answers?.at), positions: own(answers?.positions) },
      };
    });
    const said = rows.flatMap(({ ids, originals, answers }) =>
      Array.from(answers.at, (place, index) =>
        Float64Array.from(says(ids, place, originals[index] ?? -1)),
      ),
    );
    const logits = new Float32Array(said.length * classNames.length);
    for (const [row, logProbs] of said.entries()) logits.set(logProbs, row * classNames.length);
    const held = { mode: 'dense', topK: null, temperatures: [1], precision: 'float32' } as const;
    const dense = labelledRows(rows, {
      topIds: new Int32Array(),
      topLogits: new Float32Array(),
      logits,
      logSumExp: [new Float32Array(said.length)],
      tailLogMass: [],
      entropyNats: Float32Array.from(said, (row) =>
        row.reduce((sum, logProb) => sum - Math.exp(logProb) * logProb, 0),
      ),
    });
    const path = join(folder, split, 'part-00000.parquet');
    await writeSoftLabelShard(path, labelledRows(rows, servedLabels(dense, held, keep)), {
      formatVersion: 1,
      mode: keep.mode,
      topK: keep.topK ?? null,
      temperatures: keep.temperatures,
      precision: keep.precision,
      classNames,
      tokenizerDigest,
      maxLength,
      fingerprint: NOBODY,
      teacherDigest: NOBODY,
      provider: 'none',
      runtime: 'none',
      perToken: true,
      ...(keep.samples !== undefined && { samples: keep.samples }),
    });
    inputs[`rows/${split}`] = join(folder, split);
  }
  return inputs;
}

const NOBODY = '0'.repeat(64);
