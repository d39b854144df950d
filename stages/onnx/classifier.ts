import { Failure } from '#cache/failure.ts';
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
  /** [rows.length, classCount], in the order of the rows; or what else `output` names. */
  logits(rows: readonly TokenRow[]): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface ClassifierOptions extends SessionOptions {
  /** Fills up the shorter rows of a batch. Any id does: the attention mask is 0 there. */
  readonly padTokenId?: number;
  /** The output that is fetched. Default: logits. */
  readonly output?: string;
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

/** Opens an .onnx file whose inputs are some of input_ids, attention_mask and token_type_ids. */
export async function openClassifier(
  path: string,
  options: ClassifierOptions,
): Promise<Classifier> {
  const { output = LOGITS, padTokenId = 0 } = options;
  const session = await openSession(path, options);
  try {
    requireSignature(session, path, output);
  } catch (error) {
    await session.close();
    throw error;
  }
  const names = session.inputs.map((input) => input.name);
  return {
    provider: session.provider,
    withoutCuda: session.withoutCuda,
    runtimeVersion: session.runtimeVersion,
    async logits(rows) {
      const batch = padBatch(rows, padTokenId);
      return float32Of(await session.run(feedsOf(batch, names), [output]), output);
    },
    close: () => session.close(),
  };
}

function requireSignature(session: OnnxSession, path: string, output: string): void {
  const unknown = session.inputs.find((input) => !(input.name in FILLED_FROM));
  if (unknown !== undefined) {
    throw new UnusableClassifierError(path, `nothing to fill its input "${unknown.name}" with`);
  }
  const outputs = session.outputs.map((output) => output.name);
  if (!outputs.includes(output)) {
    throw new UnusableClassifierError(
      path,
      `no output "${output}" (outputs: ${outputs.join(', ')})`,
    );
  }
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
