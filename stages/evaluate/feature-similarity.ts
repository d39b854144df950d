import { shapesOf } from '#datasets/feature-rows.ts';
import type { FeatureSimilarity } from '#datasets/metrics/slice-metrics.ts';
import { openSoftLabels, type SoftLabelReader } from '#datasets/soft-labels/soft-labels.ts';
import { evenly } from '#stages/numerics/evenly.ts';
import { linearCka } from '#stages/numerics/linear-cka.ts';
import { type Classifier, openClassifier } from '#stages/onnx/classifier.ts';
import { withFeatureOutput } from '#stages/onnx/feature-output.ts';
import { lengthBatches, tokenRow } from '#stages/onnx/token-batches.ts';
import type { StageContext } from '#stages/stage.ts';
import type { EvaluateConfig } from './settings.ts';
import type { TestRows } from './student-scores.ts';
import type { Subject } from './subject.ts';

/** How like the features of a student's last layer are to those that the cache holds of its teacher. */
export async function featureSimilarity(
  { config, inputs }: StageContext<EvaluateConfig>,
  subject: Subject,
  rows: TestRows,
): Promise<FeatureSimilarity> {
  const folder = inputs['rows/test'];
  if (folder === undefined) return { missing: 'no teacher was asked about the test rows' };
  if (config.quantize !== undefined) return { missing: 'measured of the float32 file' };
  if (rows.tokens.answers !== undefined) {
    return { missing: 'a row has several answers, with features of their own' };
  }
  const reader = await openSoftLabels(folder);
  try {
    const { hidden, perWindow } = reader.meta;
    if (hidden === undefined) {
      return { missing: 'the cache holds no features of the teacher (soft-label.hidden)' };
    }
    if (perWindow) return { missing: 'the teacher has features of each window of a long text' };
    return await compared(reader, subject, rows, config);
  } finally {
    await reader.close();
  }
}

async function compared(
  reader: SoftLabelReader,
  subject: Subject,
  rows: TestRows,
  { device, deviceId, threads }: EvaluateConfig,
): Promise<FeatureSimilarity> {
  const [path = ''] = subject.modelFiles;
  const model = await withFeatureOutput(path);
  if (model === undefined) {
    return { missing: 'the graph of the student does not end with a matrix product' };
  }
  const ofTeacher = await featuresOf(reader);
  const known = [...rows.tokens.exampleIds.keys()].filter((row) =>
    ofTeacher.has(rows.tokens.exampleIds[row] ?? ''),
  );
  const taken = evenly(known.length, MOST_ROWS).flatMap((at) => known[at] ?? []);
  const { padTokenId } = subject;
  const { bytes, output } = model;
  const shapes = rows.features === undefined ? {} : shapesOf(rows.features);
  const options = { device, deviceId, threads, padTokenId, output, shapes };
  const classifier = await openClassifier(bytes, options);
  try {
    const own = await studentFeatures(classifier, rows, taken);
    const names = Object.keys(reader.meta.hidden ?? {});
    const linear = names.map((name): [string, number | null] => {
      const theirs = taken.map((row) => ofTeacher.get(rows.tokens.exampleIds[row] ?? '')?.[name]);
      return [name, linearCka(matrixOf(own), matrixOf(theirs), taken.length)];
    });
    return { linearCka: Object.fromEntries(linear), rows: taken.length };
  } finally {
    await classifier.close();
  }
}

type RowFeatures = Readonly<Record<string, Float32Array>>;

async function featuresOf(reader: SoftLabelReader): Promise<Map<string, RowFeatures>> {
  const found = new Map<string, RowFeatures>();
  const widths = Object.entries(reader.meta.hidden ?? {});
  for await (const { exampleIds, hidden = {} } of reader.rows()) {
    for (const [row, exampleId] of exampleIds.entries()) {
      const own = widths.map(([name, width]): [string, Float32Array] => [
        name,
        hidden[name]?.slice(row * width, (row + 1) * width) ?? new Float32Array(),
      ]);
      found.set(exampleId, Object.fromEntries(own));
    }
  }
  return found;
}

/** Features of these rows, in their order. */
async function studentFeatures(
  classifier: Classifier,
  { tokens, features }: TestRows,
  rows: readonly number[],
): Promise<(Float32Array | undefined)[]> {
  const found = new Map<number, Float32Array>();
  for (const batch of lengthBatches(tokens, rows, BATCH_SIZE, features)) {
    const values = await classifier.logits(batch.map((row) => tokenRow(tokens, row, features)));
    const width = values.length / batch.length;
    for (const [place, row] of batch.entries()) {
      found.set(row, values.slice(place * width, (place + 1) * width));
    }
  }
  return rows.map((row) => found.get(row));
}

function matrixOf(rows: readonly (Float32Array | undefined)[]) {
  const width = rows[0]?.length ?? 0;
  const values = new Float32Array(rows.length * width);
  for (const [row, own] of rows.entries()) {
    // Zeros in their place would be features that nobody has.
    if (own?.length !== width) throw new Error(`row ${row} has no features of width ${width}`);
    values.set(own, row * width);
  }
  return { values, width };
}

/** All products of 384 and 128 features of so many rows take 1.4 s; more rows say no more. */
const MOST_ROWS = 2000;
const BATCH_SIZE = 32;
