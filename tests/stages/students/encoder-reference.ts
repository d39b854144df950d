import type { StoredTensor } from '#stages/students/safetensors.ts';

/** Slow, obvious float64 versions of Hugging Face's encoders: one text without padding at a time. */

type Matrix = number[][];
type Weights = ReadonlyMap<string, StoredTensor>;

export interface ReferenceText {
  readonly ids: readonly number[];
  readonly typeIds: readonly number[];
}

/** RobertaForSequenceClassification: positions begin behind that of padding, dense tanh head on <s>. */
export function robertaReference(
  weights: Weights,
  { ids }: ReferenceText,
  model: { readonly layers: number; readonly heads: number; readonly padding: number },
): number[] {
  const w = reader(weights);
  let x = ids.map((id, place) =>
    sum(
      w.row('roberta.embeddings.word_embeddings.weight', id),
      w.row('roberta.embeddings.position_embeddings.weight', model.padding + 1 + place),
      w.row('roberta.embeddings.token_type_embeddings.weight', 0),
    ),
  );
  x = w.norm(x, 'roberta.embeddings.LayerNorm', 1e-5);
  for (let layer = 0; layer < model.layers; layer++) {
    const at = `roberta.encoder.layer.${layer}`;
    const context = attend(
      w.linear(x, `${at}.attention.self.query`),
      w.linear(x, `${at}.attention.self.key`),
      w.linear(x, `${at}.attention.self.value`),
      model.heads,
    );
    const attended = add(x, w.linear(context, `${at}.attention.output.dense`));
    x = w.norm(attended, `${at}.attention.output.LayerNorm`, 1e-5);
    const wide = map(w.linear(x, `${at}.intermediate.dense`), gelu);
    x = w.norm(add(x, w.linear(wide, `${at}.output.dense`)), `${at}.output.LayerNorm`, 1e-5);
  }
  const pooled = map(w.linear(x.slice(0, 1), 'classifier.dense'), Math.tanh);
  return w.linear(pooled, 'classifier.out_proj').flat();
}

/** DistilBertForSequenceClassification. */
export function distilBertReference(
  weights: Weights,
  { ids }: ReferenceText,
  model: { readonly layers: number; readonly heads: number },
): number[] {
  const w = reader(weights);
  let x = ids.map((id, place) =>
    sum(
      w.row('distilbert.embeddings.word_embeddings.weight', id),
      w.row('distilbert.embeddings.position_embeddings.weight', place),
    ),
  );
  x = w.norm(x, 'distilbert.embeddings.LayerNorm', 1e-12);
  for (let layer = 0; layer < model.layers; layer++) {
    const at = `distilbert.transformer.layer.${layer}`;
    const context = attend(
      w.linear(x, `${at}.attention.q_lin`),
      w.linear(x, `${at}.attention.k_lin`),
      w.linear(x, `${at}.attention.v_lin`),
      model.heads,
    );
    x = w.norm(add(x, w.linear(context, `${at}.attention.out_lin`)), `${at}.sa_layer_norm`, 1e-12);
    const wide = map(w.linear(x, `${at}.ffn.lin1`), gelu);
    x = w.norm(add(x, w.linear(wide, `${at}.ffn.lin2`)), `${at}.output_layer_norm`, 1e-12);
  }
  const pooled = map(w.linear(x.slice(0, 1), 'pre_classifier'), (value) => Math.max(0, value));
  return w.linear(pooled, 'classifier').flat();
}

/** BertForSequenceClassification with token types and the tanh form of GELU, or BertForTokenClassification. */
export function bertReference(
  weights: Weights,
  { ids, typeIds }: ReferenceText,
  model: { readonly layers: number; readonly heads: number; readonly everyToken?: boolean },
): number[] {
  const w = reader(weights);
  let x = ids.map((id, place) =>
    sum(
      w.row('bert.embeddings.word_embeddings.weight', id),
      w.row('bert.embeddings.position_embeddings.weight', place),
      w.row('bert.embeddings.token_type_embeddings.weight', typeIds[place] ?? 0),
    ),
  );
  x = w.norm(x, 'bert.embeddings.LayerNorm', 1e-12);
  for (let layer = 0; layer < model.layers; layer++) {
    const at = `bert.encoder.layer.${layer}`;
    const context = attend(
      w.linear(x, `${at}.attention.self.query`),
      w.linear(x, `${at}.attention.self.key`),
      w.linear(x, `${at}.attention.self.value`),
      model.heads,
    );
    const attended = add(x, w.linear(context, `${at}.attention.output.dense`));
    x = w.norm(attended, `${at}.attention.output.LayerNorm`, 1e-12);
    const wide = map(w.linear(x, `${at}.intermediate.dense`), tanhGelu);
    x = w.norm(add(x, w.linear(wide, `${at}.output.dense`)), `${at}.output.LayerNorm`, 1e-12);
  }
  if (model.everyToken) return w.linear(x, 'classifier').flat();
  return w
    .linear(map(w.linear(x.slice(0, 1), 'bert.pooler.dense'), Math.tanh), 'classifier')
    .flat();
}

/** ModernBertForSequenceClassification with all its biases and [CLS] pooling, or ...ForTokenClassification. */
export function modernBertReference(
  weights: Weights,
  { ids }: ReferenceText,
  model: {
    readonly layers: number;
    readonly heads: number;
    readonly globalEvery: number;
    readonly localAttention: number;
    readonly globalTheta: number;
    readonly localTheta: number;
    readonly everyToken?: boolean;
  },
): number[] {
  const w = reader(weights);
  let x = ids.map((id) => w.row('model.embeddings.tok_embeddings.weight', id));
  x = w.norm(x, 'model.embeddings.norm', 1e-5);
  for (let layer = 0; layer < model.layers; layer++) {
    const at = `model.layers.${layer}`;
    const isGlobal = layer % model.globalEvery === 0;
    const theta = isGlobal ? model.globalTheta : model.localTheta;
    const reach = isGlobal ? Infinity : Math.floor(model.localAttention / 2);
    const fused = w.linear(layer === 0 ? x : w.norm(x, `${at}.attn_norm`, 1e-5), `${at}.attn.Wqkv`);
    const width = (fused[0]?.length ?? 0) / 3;
    const part = (index: number) =>
      fused.map((row) => row.slice(index * width, (index + 1) * width));
    const [q, k] = [part(0), part(1)].map((rows) => rotate(rows, model.heads, theta));
    const context = attend(q ?? [], k ?? [], part(2), model.heads, reach);
    x = add(x, w.linear(context, `${at}.attn.Wo`));
    const wide = w.linear(w.norm(x, `${at}.mlp_norm`, 1e-5), `${at}.mlp.Wi`);
    const half = (wide[0]?.length ?? 0) / 2;
    const gated = wide.map((row) =>
      row.slice(0, half).map((value, index) => gelu(value) * (row[half + index] ?? NaN)),
    );
    x = add(x, w.linear(gated, `${at}.mlp.Wo`));
  }
  const encoded = w.norm(x, 'model.final_norm', 1e-5);
  const read = model.everyToken ? encoded : encoded.slice(0, 1);
  const head = w.norm(map(w.linear(read, 'head.dense'), gelu), 'head.norm', 1e-5);
  return w.linear(head, 'classifier').flat();
}

function reader(weights: Weights) {
  const find = (name: string): StoredTensor => {
    const found = weights.get(name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  const row = (name: string, index: number) => {
    const { shape, values } = find(name);
    const width = shape[1] ?? 0;
    return Array.from(values.subarray(index * width, (index + 1) * width));
  };
  return {
    row,
    linear: (x: Matrix, name: string): Matrix => {
      const bias = find(`${name}.bias`).values;
      return x.map((input) =>
        Array.from(bias, (start, out) => start + dot(row(`${name}.weight`, out), input)),
      );
    },
    norm: (x: Matrix, name: string, epsilon: number): Matrix => {
      const [gain, bias] = [find(`${name}.weight`).values, find(`${name}.bias`).values];
      return x.map((values) => {
        const mean = values.reduce((total, value) => total + value, 0) / values.length;
        const variance =
          values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length;
        return values.map(
          (value, index) =>
            ((value - mean) / Math.sqrt(variance + epsilon)) * (gain[index] ?? NaN) +
            (bias[index] ?? NaN),
        );
      });
    },
  };
}

function attend(q: Matrix, k: Matrix, v: Matrix, heads: number, reach = Infinity): Matrix {
  const size = (q[0]?.length ?? 0) / heads;
  return q.map((query, i) =>
    Array.from({ length: heads }, (_, head) => {
      const part = (row: readonly number[]) => row.slice(head * size, (head + 1) * size);
      const weights = k.map((key, j) =>
        Math.abs(i - j) > reach ? 0 : Math.exp(dot(part(query), part(key)) / Math.sqrt(size)),
      );
      const total = weights.reduce((a, b) => a + b, 0);
      return Array.from({ length: size }, (_, column) =>
        weights.reduce(
          (sum, share, j) => sum + (share / total) * (part(v[j] ?? [])[column] ?? NaN),
          0,
        ),
      );
    }).flat(),
  );
}

/** rotate_half of Hugging Face: x cos + (-second half, first half) sin. */
function rotate(rows: Matrix, heads: number, theta: number): Matrix {
  const size = (rows[0]?.length ?? 0) / heads;
  return rows.map((row, position) =>
    row.map((value, index) => {
      const place = index % size;
      const half = size / 2;
      const angle = position / theta ** ((2 * (place % half)) / size);
      const other = place < half ? -(row[index + half] ?? NaN) : (row[index - half] ?? NaN);
      return value * Math.cos(angle) + other * Math.sin(angle);
    }),
  );
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((total, value, index) => total + value * (b[index] ?? NaN), 0);
}

function sum(...rows: readonly number[][]): number[] {
  return (rows[0] ?? []).map((_, index) =>
    rows.reduce((total, row) => total + (row[index] ?? NaN), 0),
  );
}

function add(a: Matrix, b: Matrix): Matrix {
  return a.map((row, index) => sum(row, b[index] ?? []));
}

function map(x: Matrix, apply: (value: number) => number): Matrix {
  return x.map((row) => row.map(apply));
}

function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

function tanhGelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** Taylor series; exact to 1e-12 for the arguments of the tests. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let term = x;
  let total = x;
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}
