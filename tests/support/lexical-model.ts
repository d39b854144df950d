import { graph, int64Tensor, model, node, tensor, valueInfo } from '#stages/onnx/wire.ts';

/** A source and its target as token ids, special ones included. */
export interface Pair {
  readonly source: readonly number[];
  readonly target: readonly number[];
}

/**
 * A translation model with exact probabilities: half of p is IBM model 1 (Brown et al. 1993), the mean over
 * the source tokens of t(word | source token), half is a bigram model of the targets. Both are fitted to
 * pairs and smoothed.
 */
export interface LexicalModel {
  readonly vocabularySize: number;
  /** [source token, target token] */
  readonly translation: Float64Array;
  /** [token before, token] */
  readonly bigrams: Float64Array;
}

/** Five rounds of expectation maximisation over the pairs; the decoder begins with `startId`. */
export function fitLexicalModel(
  pairs: readonly Pair[],
  vocabularySize: number,
  startId: number,
): LexicalModel {
  let translation = normalised(new Float64Array(vocabularySize ** 2).fill(1), vocabularySize, 0);
  for (let round = 0; round < ROUNDS; round++) {
    const counts = new Float64Array(vocabularySize ** 2);
    for (const { source, target } of pairs) {
      for (const word of target) {
        const shares = source.map((token) => translation[token * vocabularySize + word] ?? 0);
        const total = shares.reduce((sum, share) => sum + share, 0);
        for (const [index, token] of source.entries()) {
          const cell = token * vocabularySize + word;
          counts[cell] = (counts[cell] ?? 0) + (shares[index] ?? 0) / total;
        }
      }
    }
    translation = normalised(counts, vocabularySize, SMOOTHING);
  }
  const counts = new Float64Array(vocabularySize ** 2);
  for (const { target } of pairs) {
    for (const [place, word] of target.entries()) {
      const cell = (target[place - 1] ?? startId) * vocabularySize + word;
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
  }
  return { vocabularySize, translation, bigrams: normalised(counts, vocabularySize, SMOOTHING) };
}

/** log p of every token of the vocabulary behind `before`, in float64. */
export function lexicalLogProbs(
  { vocabularySize, translation, bigrams }: LexicalModel,
  source: readonly number[],
  before: number,
): Float64Array {
  return new Float64Array(vocabularySize).map((_, word) => {
    const lexical = source.map((token) => translation[token * vocabularySize + word] ?? 0);
    const mean = lexical.reduce((sum, share) => sum + share, 0) / source.length;
    return Math.log(mean / 2 + (bigrams[before * vocabularySize + word] ?? 0) / 2);
  });
}

/** The same as a graph: input_ids, attention_mask and decoder_input_ids in, logits out. */
export function lexicalGraph(fitted: LexicalModel): Uint8Array {
  const size = fitted.vocabularySize;
  const table = (name: string, values: Float64Array) =>
    tensor(name, 'float32', [size, size], Float32Array.from(values));
  return model(
    graph({
      name: 'lexical',
      nodes: [
        node('Gather', ['translation', 'input_ids'], ['shares']), // [batch, source, vocabulary]
        node('Cast', ['attention_mask'], ['mask'], { to: { int: 1 } }),
        node('Unsqueeze', ['mask', 'last'], ['mask3']),
        node('Mul', ['shares', 'mask3'], ['real']),
        node('ReduceSum', ['real', 'axis'], ['sums']), // [batch, 1, vocabulary]
        node('ReduceSum', ['mask3', 'axis'], ['counts']),
        node('Div', ['sums', 'counts'], ['lexical']),
        node('Gather', ['bigrams', 'decoder_input_ids'], ['chained']), // [batch, target, vocabulary]
        node('Add', ['lexical', 'chained'], ['twice']),
        node('Mul', ['twice', 'half'], ['probabilities']),
        node('Log', ['probabilities'], ['logits']),
      ],
      initializers: [
        table('translation', fitted.translation),
        table('bigrams', fitted.bigrams),
        int64Tensor('last', [-1]),
        int64Tensor('axis', [1]),
        tensor('half', 'float32', [], Float32Array.of(0.5)),
      ],
      inputs: [
        valueInfo('input_ids', 'int64', ['batch', 'source']),
        valueInfo('attention_mask', 'int64', ['batch', 'source']),
        valueInfo('decoder_input_ids', 'int64', ['batch', 'target']),
      ],
      outputs: [valueInfo('logits', 'float32', ['batch', 'target', size])],
    }),
  );
}

/** Each row with a little added to every cell, as shares of it. */
function normalised(counts: Float64Array, width: number, smoothing: number): Float64Array {
  const shares = new Float64Array(counts.length);
  for (let start = 0; start < counts.length; start += width) {
    const row = counts.subarray(start, start + width).map((count) => count + smoothing);
    const total = row.reduce((sum, count) => sum + count, 0);
    shares.set(
      row.map((count) => count / total),
      start,
    );
  }
  return shares;
}

const ROUNDS = 5;
const SMOOTHING = 1e-3;
