import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { graph, int64Tensor, model, node, tensor, valueInfo } from '#stages/onnx/wire.ts';

/** A teacher's folder: what `teacher.model` of decant.yaml may name. */
export interface TeacherParts {
  readonly model: Uint8Array;
  readonly tokenizer: object;
  readonly config: object;
}

/** Writes model.onnx, tokenizer.json and config.json. */
export function writeTeacherFolder(
  folder: string,
  { model, tokenizer, config }: TeacherParts,
): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), model);
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  return folder;
}

/** A tokenizer of single characters and, behind them, of special tokens; id 0 is <unk>, which also begins a text. */
export function characterTokenizer(
  characters: readonly string[],
  specials: readonly string[] = [],
) {
  const vocab = Object.fromEntries(['<unk>', ...characters].map((piece, id) => [piece, id]));
  return {
    version: '1.0',
    added_tokens: [
      addedToken(0, '<unk>'),
      ...specials.map((piece, at) => addedToken(characters.length + 1 + at, piece)),
    ],
    decoder: { type: 'Fuse' },
    model: { type: 'BPE', vocab, merges: [], unk_token: '<unk>' },
  };
}

/** A tokenizer of whole words between white space that ends each text with </s>, as T5 does. */
export function wordTokenizer(words: readonly string[]) {
  const specials = ['<pad>', '</s>', '<unk>'];
  const vocab = Object.fromEntries([...specials, ...words].map((piece, id) => [piece, id]));
  return {
    version: '1.0',
    added_tokens: specials.map((piece, id) => addedToken(id, piece)),
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] } },
    },
    model: { type: 'WordLevel', vocab, unk_token: '<unk>' },
  };
}

function addedToken(id: number, content: string) {
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return { id, content, special: true, ...plain };
}

/**
 * A causal language model of three characters, counted in a text: log p(c | the two before it), with
 * `smoothing` added to each count. Before the first character stands id 0.
 */
export interface TrigramModel {
  readonly vocabularySize: number;
  /** [vocabularySize^2, vocabularySize]; row (a * vocabularySize + b) is log p(. | a b). */
  readonly logProbs: Float64Array;
}

/** Counts the model over lists of token ids. */
export function countTrigrams(
  texts: Iterable<ArrayLike<number>>,
  vocabularySize: number,
  smoothing = 0.1,
): TrigramModel {
  const counts = new Float64Array(vocabularySize ** 3).fill(smoothing);
  for (const ids of texts) {
    for (let place = 0; place + 1 < ids.length; place++) {
      const cell = rowOf(ids, place, vocabularySize) * vocabularySize + (ids[place + 1] ?? 0);
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
  }
  const logProbs = new Float64Array(counts.length);
  for (let start = 0; start < counts.length; start += vocabularySize) {
    const row = counts.subarray(start, start + vocabularySize);
    const total = row.reduce((sum, count) => sum + count, 0);
    logProbs.set(
      row.map((count) => Math.log(count / total)),
      start,
    );
  }
  return { vocabularySize, logProbs };
}

/** log p of every token of the vocabulary behind a place of a text. */
export function nextLogProbs(
  { vocabularySize, logProbs }: TrigramModel,
  ids: ArrayLike<number>,
  place: number,
): Float64Array {
  const row = rowOf(ids, place, vocabularySize);
  return logProbs.subarray(row * vocabularySize, (row + 1) * vocabularySize);
}

function rowOf(ids: ArrayLike<number>, place: number, vocabularySize: number): number {
  return (ids[place - 1] ?? 0) * vocabularySize + (ids[place] ?? 0);
}

/** The same as a graph: input_ids and attention_mask in, logits [batch, sequence, vocabulary] out. */
export function trigramGraph({ vocabularySize, logProbs }: TrigramModel): Uint8Array {
  const shape = ['batch', 'sequence'];
  return model(
    graph({
      name: 'trigrams',
      nodes: [
        // The ids one place to the right, id 0 in front.
        node('Pad', ['input_ids', 'one_in_front'], ['wide']),
        node('Slice', ['wide', 'start', 'end', 'axis'], ['before']),
        node('Mul', ['before', 'size'], ['scaled']),
        node('Add', ['scaled', 'input_ids'], ['rows']),
        node('Gather', ['table', 'rows'], ['logits']),
      ],
      initializers: [
        tensor(
          'table',
          'float32',
          [vocabularySize ** 2, vocabularySize],
          Float32Array.from(logProbs),
        ),
        int64Tensor('one_in_front', [0, 1, 0, 0]),
        int64Tensor('start', [0]),
        int64Tensor('end', [-1]),
        int64Tensor('axis', [1]),
        int64Tensor('size', [vocabularySize], []),
      ],
      inputs: ['input_ids', 'attention_mask'].map((name) => valueInfo(name, 'int64', shape)),
      outputs: [valueInfo('logits', 'float32', [...shape, vocabularySize])],
    }),
  );
}
