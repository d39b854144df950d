import { Failure } from '#cache/failure.ts';
import { readGraphNodes } from './graph-nodes.ts';
import { tensorOf } from './integer-tensor.ts';
import { skimModel, skimModelFile } from './model-skim.ts';
import { float32Of, openSession, type SessionOptions } from './session.ts';
import { softLabelHead } from './surgery.ts';
import { textFeeds, textInputs } from './text-inputs.ts';
import { longestOf, type TokenRow } from './token-batches.ts';

/** A row of tokens with the places that are asked for, and the token that is right at each. */
export interface AskedRow extends TokenRow {
  readonly at: ArrayLike<number>;
  readonly originals: ArrayLike<number>;
}

/** What a language model says at the asked places of some rows, one after the other. */
export interface TokenAnswers {
  /** The likeliest token. */
  readonly bestIds: Int32Array;
  /** Its log-probability, and that of the token that is right. */
  readonly bestLogProbs: Float32Array;
  readonly goldLogProbs: Float32Array;
}

/** A language model behind ONNX Runtime that was given a head, so that only asked tokens meet the vocabulary. */
export interface LanguageModel {
  readonly provider: 'cpu' | 'cuda';
  readonly runtimeVersion: string;
  answers(rows: readonly AskedRow[]): Promise<TokenAnswers>;
  close(): Promise<void>;
}

/** The graph answers with another vocabulary than that of this run. */
export class VocabularyWidthError extends Failure {
  constructor(path: string, found: number, classCount: number) {
    super(
      'model',
      'E_LOGIT_WIDTH',
      `${path} gives ${found} logits a token; classes.json names ${classCount} classes`,
      'train the student again on these classes: decant run --from train-student',
    );
  }
}

/** Opens a student's .onnx file, or its bytes: input_ids and attention_mask in, logits [batch, sequence, classCount] out. */
export async function openLanguageModel(
  model: string | Uint8Array,
  options: SessionOptions & { readonly padTokenId: number; readonly classCount: number },
): Promise<LanguageModel> {
  const { padTokenId, classCount } = options;
  const { bytes, edits, outputs } = softLabelHead(
    typeof model === 'string' ? skimModelFile(model) : skimModel(model),
    {
      topK: undefined,
      temperatures: [1],
      perToken: true,
      nodes: readGraphNodes(model),
    },
  );
  const [logSumExp = ''] = outputs.logSumExp;
  const session = await openSession(model, { ...options, appendix: bytes, edits });
  const texts = textInputs(session.inputs);
  return {
    provider: session.provider,
    runtimeVersion: session.runtimeVersion,
    async answers(rows) {
      const length = longestOf(rows);
      const asked = rows.flatMap(({ at, originals }, row) =>
        Array.from(at, (place, index) => ({
          token: row * length + place,
          gold: originals[index] ?? -1,
        })),
      );
      const tokens = Int32Array.from(asked, ({ token }) => token);
      const results = await session.run(
        {
          ...textFeeds(texts, rows, { length }, { padTokenId }),
          [outputs.asked ?? '']: tensorOf(tokens, 'int64', [tokens.length]),
        },
        [outputs.logits, logSumExp],
      );
      const logits = float32Of(results, outputs.logits);
      const normalisers = float32Of(results, logSumExp);
      if (logits.length !== asked.length * classCount) {
        throw new VocabularyWidthError(nameOf(model), logits.length / asked.length, classCount);
      }
      const bestIds = Int32Array.from(asked, (_, answer) =>
        highestPlace(logits.subarray(answer * classCount, (answer + 1) * classCount)),
      );
      const logProbs = (classOf: (answer: number) => number) =>
        Float32Array.from(
          asked,
          (_, answer) =>
            (logits[answer * classCount + classOf(answer)] ?? NaN) - (normalisers[answer] ?? NaN),
        );
      return {
        bestIds,
        bestLogProbs: logProbs((answer) => bestIds[answer] ?? -1),
        goldLogProbs: logProbs((answer) => asked[answer]?.gold ?? -1),
      };
    },
    close: () => session.close(),
  };
}

function nameOf(model: string | Uint8Array): string {
  return typeof model === 'string' ? model : 'model in memory';
}

function highestPlace(values: Float32Array): number {
  let best = 0;
  for (let place = 1; place < values.length; place++) {
    if ((values[place] ?? 0) > (values[best] ?? 0)) best = place;
  }
  return best;
}
