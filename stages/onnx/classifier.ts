import { Failure } from '#cache/failure.ts';

import type { TensorShape } from '#datasets/features.ts';
import { joinNumbers } from '#datasets/parquet/columns.ts';
import { featureFeeds, matchFeatureInputs } from './feature-inputs.ts';
import {
  float32Of,
  type OnnxSession,
  openSession,
  type SessionOptions,
  type SessionValue,
} from './session.ts';
import {
  fixedDimension,
  isOfDecoder,
  type Padding,
  type TextInput,
  textFeeds,
  textInputs,
} from './text-inputs.ts';
import { longestOf, type TokenRow } from './token-batches.ts';

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

export interface ClassifierOptions extends SessionOptions, Partial<Padding> {
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

/** Opens an .onnx file, or its bytes, whose inputs tokens and the tensors can fill. */
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
  { shapes = {}, padTokenId = 0, firstPosition, output: wanted }: ClassifierOptions,
): Classifier {
  const { inputs } = session;
  const ofTokens = inputs.filter(({ name }) => !(name in shapes));
  // Rows here have no targets.
  const texts = textInputs(ofTokens).filter(({ name }) => !isOfDecoder(name));
  requireFilled(path, ofTokens, texts);
  const output = logitsOf(session, path, { wanted, tensors: Object.keys(shapes) });
  const tensors = matchFeatureInputs(inputs, shapes);
  const [fixedRows, fixedLength] = [fixedDimension(inputs, 0), fixedDimension(ofTokens, 1)];
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
        const length = Math.max(fixedLength ?? 1, longestOf(filled));
        const feeds = {
          ...textFeeds(texts, filled, { length }, { padTokenId, firstPosition }),
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

function requireFilled(
  path: string,
  inputs: readonly SessionValue[],
  filled: readonly TextInput[],
): void {
  const empty = inputs.find((input) => !filled.some(({ name }) => name === input.name));
  if (empty === undefined) return;
  const { name, type, shape } = empty;
  const what = `"${name}" (${type}[${shape.join(', ')}])`;
  throw new UnusableClassifierError(path, `nothing to fill its input ${what} with`);
}

/** Name of the output with the logits: what is wanted, `logits`, or of a model of tensors the only one. */
function logitsOf(
  session: OnnxSession,
  path: string,
  { wanted, tensors }: { readonly wanted: string | undefined; readonly tensors: readonly string[] },
): string {
  const outputs = session.outputs.map((output) => output.name);
  const isSole = wanted === undefined && tensors.length > 0 && outputs.length === 1;
  const output = isSole ? (outputs[0] ?? '') : (wanted ?? LOGITS);
  if (outputs.includes(output)) return output;
  const found = outputs.join(', ');
  throw new UnusableClassifierError(path, `no output "${output}" (outputs: ${found})`);
}

function batchesOf(rows: readonly TokenRow[], size: number): TokenRow[][] {
  return Array.from({ length: Math.ceil(rows.length / Math.max(1, size)) }, (_, batch) =>
    rows.slice(batch * size, (batch + 1) * size),
  );
}

const LOGITS = 'logits';
