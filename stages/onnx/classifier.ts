import { Failure } from '#cache/failure.ts';

import type { TensorShape } from '#datasets/features.ts';
import { joinNumbers } from '#datasets/parquet/columns.ts';
import { featureFeeds, matchFeatureInputs } from './feature-inputs.ts';
import { INTEGER_TYPES, MASK_TYPES, tensorOf } from './integer-tensor.ts';

import {
  float32Of,
  type OnnxSession,
  openSession,
  type SessionOptions,
  type SessionTensor,
  type SessionValue,
} from './session.ts';
import { type PaddedBatch, padBatch, type TokenRow } from './token-batches.ts';

/** A sequence classifier behind ONNX Runtime: tokens in, logits out. */
export interface Classifier {
  readonly provider: 'cpu' | 'cuda';
  /** Why `auto` did not take CUDA; undefined where it was not asked or works. */
  readonly withoutCuda: string | undefined;
  readonly runtimeVersion: string;
  /** [rows.length, classCount], in the order of the rows; or what else `output` names. */
  logits(rows: readonly TokenRow[]): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface ClassifierOptions extends SessionOptions {
  /** Fills up the shorter rows of a batch. Any id does: the attention mask is 0 there. */
  readonly padTokenId?: number;
  /** Tensors that the rows have, by model input. */
  readonly shapes?: Readonly<Record<string, TensorShape>>;
  /** The output that is fetched. Default: logits. */
  readonly output?: string | undefined;
}

/** The model wants an input that token ids cannot fill, or gives no logits. */
export class UnusableClassifierError extends Failure {
  constructor(model: string, reason: string) {
    super(
      'model',
      'E_MODEL_SIGNATURE',
      `${model}: ${reason}`,
      'export it as a sequence classifier: input_ids, attention_mask and perhaps token_type_ids in, logits out',
    );
  }
}

/** Opens an .onnx file, or its bytes, whose inputs are some of input_ids, attention_mask, token_type_ids and the tensors. */
export async function openClassifier(
  model: string | Uint8Array,
  options: ClassifierOptions,
): Promise<Classifier> {
  const session = await openSession(model, options);
  try {
    return classifierOf(session, typeof model === 'string' ? model : 'model in memory', options);
  } catch (error) {
    await session.close();
    throw error;
  }
}

function classifierOf(
  session: OnnxSession,
  path: string,
  { shapes = {}, padTokenId = 0, output: wanted }: ClassifierOptions,
): Classifier {
  const output = requireSignature(session, path, { wanted, tensors: Object.keys(shapes) });
  const tensors = matchFeatureInputs(session.inputs, shapes);
  const ofText = session.inputs.filter(({ name }) => !(name in shapes));
  const [fixedRows, fixedLength] = [fixedSize(session.inputs, 0), fixedSize(ofText, 1)];
  return {
    provider: session.provider,
    withoutCuda: session.withoutCuda,
    runtimeVersion: session.runtimeVersion,
    async logits(rows) {
      const parts: Float32Array[] = [];
      for (const some of batchesOf(rows, fixedRows ?? rows.length)) {
        const filled = [
          ...some,
          ...Array(Math.max(0, (fixedRows ?? 0) - some.length)).fill(some[0]),
        ];
        const batch = padBatch(filled, padTokenId, fixedLength);
        const feeds = {
          ...feedsOf(batch, session.inputs),
          ...featureFeeds(
            tensors,
            filled.map((row: TokenRow) => row.features ?? {}),
          ),
        };
        const all = float32Of(await session.run(feeds, [output]), output);
        parts.push(all.subarray(0, (all.length / filled.length) * some.length));
      }
      return parts.length === 1
        ? (parts[0] ?? new Float32Array())
        : joinNumbers(parts, Float32Array);
    },
    close: () => session.close(),
  };
}

/** Name of the output with the logits: what is wanted, `logits`, or of a model of tensors the only one. */
function requireSignature(
  session: OnnxSession,
  path: string,
  { wanted, tensors }: { readonly wanted: string | undefined; readonly tensors: readonly string[] },
): string {
  const known = [...Object.keys(FILLED_FROM), ...tensors];
  const unknown = session.inputs.find((input) => !known.includes(input.name));
  if (unknown !== undefined) {
    throw new UnusableClassifierError(path, `nothing to fill its input "${unknown.name}" with`);
  }
  const outputs = session.outputs.map((output) => output.name);
  const isSole = wanted === undefined && tensors.length > 0 && outputs.length === 1;
  const output = isSole ? (outputs[0] ?? '') : (wanted ?? LOGITS);
  if (outputs.includes(output)) return output;
  const found = outputs.join(', ');
  throw new UnusableClassifierError(path, `no output "${output}" (outputs: ${found})`);
}

/** A dimension that the model was exported with as a number. */
function fixedSize(inputs: readonly SessionValue[], axis: 0 | 1): number | undefined {
  const [size] = inputs.flatMap(({ shape }) => shape[axis] ?? []);
  return typeof size === 'number' && size > 0 ? size : undefined;
}

function batchesOf(rows: readonly TokenRow[], size: number): TokenRow[][] {
  return Array.from({ length: Math.ceil(rows.length / Math.max(1, size)) }, (_, batch) =>
    rows.slice(batch * size, (batch + 1) * size),
  );
}

function feedsOf(
  batch: PaddedBatch,
  inputs: readonly SessionValue[],
): Record<string, SessionTensor> {
  const dims = [batch.batchSize, batch.sequenceLength];
  const filled = Object.entries(FILLED_FROM).flatMap(([name, field]) => {
    const input = inputs.find((one) => one.name === name);
    return input === undefined ? [] : [[name, tensorAs(input.type, batch[field], dims)] as const];
  });
  return Object.fromEntries(filled);
}

/** Most models want int64, and what they do not take ONNX Runtime refuses in words. */
function tensorAs(type: string, data: BigInt64Array, dims: readonly number[]): SessionTensor {
  const other = [...INTEGER_TYPES, ...MASK_TYPES].find((one) => one === type && one !== 'int64');
  if (other === undefined) return { type: 'int64', data, dims };
  return tensorOf(Int32Array.from(data, Number), other, dims);
}

const LOGITS = 'logits';

const FILLED_FROM = {
  input_ids: 'inputIds',
  attention_mask: 'attentionMask',
  token_type_ids: 'tokenTypeIds',
} as const;
