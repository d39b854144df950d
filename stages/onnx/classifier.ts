import { Failure } from '#cache/failure.ts';
import type { TensorShape } from '#datasets/features.ts';
import { featureFeeds, matchFeatureInputs } from './feature-inputs.ts';
import {
  float32Of,
  type OnnxSession,
  openSession,
  type SessionOptions,
  type SessionTensor,
} from './session.ts';
import { type PaddedBatch, padBatch, type TokenRow } from './token-batches.ts';

/** A sequence classifier behind ONNX Runtime: tokens in, logits out. */
export interface Classifier {
  readonly provider: 'cpu' | 'cuda';
  /** Why `auto` did not take CUDA; undefined where it was not asked or works. */
  readonly withoutCuda: string | undefined;
  readonly runtimeVersion: string;
  /** [rows.length, classCount], in the order of the rows. */
  logits(rows: readonly TokenRow[]): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface ClassifierOptions extends SessionOptions {
  /** Fills up the shorter rows of a batch. Any id does: the attention mask is 0 there. */
  readonly padTokenId?: number;
  /** Tensors that the rows have, by model input. */
  readonly shapes?: Readonly<Record<string, TensorShape>>;
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

/** Opens an .onnx file whose inputs are some of input_ids, attention_mask, token_type_ids and the tensors. */
export async function openClassifier(
  path: string,
  options: ClassifierOptions,
): Promise<Classifier> {
  const session = await openSession(path, options);
  try {
    return classifierOf(session, path, options);
  } catch (error) {
    await session.close();
    throw error;
  }
}

function classifierOf(
  session: OnnxSession,
  path: string,
  { shapes = {}, padTokenId = 0 }: ClassifierOptions,
): Classifier {
  const logits = requireSignature(session, path, Object.keys(shapes));
  const tensors = matchFeatureInputs(session.inputs, shapes);
  const names = session.inputs.map((input) => input.name);
  return {
    provider: session.provider,
    withoutCuda: session.withoutCuda,
    runtimeVersion: session.runtimeVersion,
    async logits(rows) {
      const feeds = {
        ...feedsOf(padBatch(rows, padTokenId), names),
        ...featureFeeds(
          tensors,
          rows.map(({ features }) => features ?? {}),
        ),
      };
      return float32Of(await session.run(feeds, [logits]), logits);
    },
    close: () => session.close(),
  };
}

/** Name of the output with the logits: `logits`, or of a model of tensors the only one that there is. */
function requireSignature(session: OnnxSession, path: string, tensors: readonly string[]): string {
  const known = [...Object.keys(FILLED_FROM), ...tensors];
  const unknown = session.inputs.find((input) => !known.includes(input.name));
  if (unknown !== undefined) {
    throw new UnusableClassifierError(path, `nothing to fill its input "${unknown.name}" with`);
  }
  const outputs = session.outputs.map((output) => output.name);
  const isSole = tensors.length > 0 && outputs.length === 1;
  const found = isSole ? (outputs[0] ?? '') : LOGITS;
  if (outputs.includes(found)) return found;
  throw new UnusableClassifierError(path, `no output "logits" (outputs: ${outputs.join(', ')})`);
}

function feedsOf(batch: PaddedBatch, names: readonly string[]): Record<string, SessionTensor> {
  const dims = [batch.batchSize, batch.sequenceLength];
  const filled = Object.entries(FILLED_FROM).filter(([name]) => names.includes(name));
  return Object.fromEntries(
    filled.map(([name, field]) => [name, { type: 'int64', data: batch[field], dims }]),
  );
}

const LOGITS = 'logits';

const FILLED_FROM = {
  input_ids: 'inputIds',
  attention_mask: 'attentionMask',
  token_type_ids: 'tokenTypeIds',
} as const;
