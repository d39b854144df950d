import { Failure } from '#cache/failure.ts';
import { type GoldLabel, readLabels } from '#datasets/labels.ts';
import { readTokens, type TokenTable } from '#datasets/tokens/tokens.ts';
import { inputOf } from '#stages/folders.ts';
import type { LabelledFeatures } from '#stages/numerics/softmax-regression.ts';
import { type Classifier, openClassifier } from '#stages/onnx/classifier.ts';
import { EMBEDDING } from '#stages/onnx/sentence-embedding.ts';
import type { Padding } from '#stages/onnx/text-inputs.ts';
import { lengthBatches, tokenRow } from '#stages/onnx/token-batches.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import type { FitHeadConfig } from './settings.ts';

/** Embeddings of the labelled rows. */
export interface LabelledRows {
  readonly train: LabelledFeatures;
  readonly validation: LabelledFeatures;
}

/** A head cannot be fitted or chosen without labels. */
export class NoLabelsError extends Failure {
  constructor(split: 'train' | 'validation') {
    const why = split === 'train' ? 'the head is fitted on' : 'its regularisation is chosen by';
    super(
      'data',
      'E_HEAD_LABELS',
      `no ${split} row has a label, and that is what ${why}`,
      split === 'train'
        ? 'label some rows of corpus.train; a few a class are enough to begin with'
        : 'give corpus.validation labelled rows, or set it to { fraction: 0.1 }',
    );
  }
}

/** Runs the encoder over the labelled rows of train and validation. */
export async function* embedLabelled(
  context: StageContext<FitHeadConfig>,
  model: string,
  { appendix, ...padding }: Padding & { readonly appendix: Uint8Array },
): AsyncGenerator<StageEvent, LabelledRows, void> {
  const { device, deviceId, threads } = context.config;
  const [train, validation] = [
    await labelledTokens(context, 'train'),
    await labelledTokens(context, 'validation'),
  ];
  const options = { device, deviceId, threads, appendix, ...padding, output: EMBEDDING };
  const encoder = await openClassifier(model, options);
  try {
    yield { type: 'environment', name: 'provider', value: encoder.provider };
    yield { type: 'environment', name: 'onnxruntime', value: encoder.runtimeVersion };
    const total = train.rows.length + validation.rows.length;
    const place = { signal: context.signal, total };
    return {
      train: yield* embed(encoder, train, { ...place, before: 0 }),
      validation: yield* embed(encoder, validation, { ...place, before: train.rows.length }),
    };
  } finally {
    await encoder.close();
  }
}

interface LabelledTokens {
  readonly tokens: TokenTable;
  readonly labels: readonly GoldLabel[];
  /** Rows of the table that have a label. */
  readonly rows: readonly number[];
}

async function labelledTokens(
  context: StageContext<FitHeadConfig>,
  split: 'train' | 'validation',
): Promise<LabelledTokens> {
  const tokens = await readTokens(inputOf(context, `tokens/teacher/${split}`));
  const labels = await readLabels(inputOf(context, `labels/${split}`));
  const labelled = new Set(labels.map(({ exampleId }) => exampleId));
  const rows = [...tokens.exampleIds.keys()].filter((row) =>
    labelled.has(tokens.exampleIds[row] ?? ''),
  );
  if (rows.length === 0) throw new NoLabelsError(split);
  return { tokens, labels, rows };
}

async function* embed(
  encoder: Classifier,
  { tokens, labels, rows }: LabelledTokens,
  place: { readonly before: number; readonly total: number; readonly signal: AbortSignal },
): AsyncGenerator<StageEvent, LabelledFeatures, void> {
  const rowOf = new Map(rows.map((row, index) => [row, index]));
  let features = new Float32Array();
  let width = 0;
  let done = place.before;
  for (const batch of lengthBatches(tokens, rows, BATCH_ROWS)) {
    place.signal.throwIfAborted();
    const vectors = await encoder.logits(batch.map((row) => tokenRow(tokens, row)));
    if (width === 0) {
      width = vectors.length / batch.length;
      features = new Float32Array(rows.length * width);
    }
    batch.forEach((row, index) => {
      const vector = vectors.subarray(index * width, (index + 1) * width);
      features.set(vector, (rowOf.get(row) ?? 0) * width);
    });
    done += batch.length;
    yield { type: 'progress', done, total: place.total, unit: 'rows', detail: 'embeddings' };
  }
  const byId = new Map(rows.map((row, index) => [tokens.exampleIds[row] ?? '', index]));
  return {
    features,
    width,
    labels: labels.flatMap(({ exampleId, labelId, weight }) => {
      const row = byId.get(exampleId);
      return row === undefined ? [] : [{ row, classId: labelId, weight }];
    }),
  };
}

const BATCH_ROWS = 32;
