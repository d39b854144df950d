import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { normal, randomFor } from '#stages/numerics/random.ts';
import { readGraphNodes } from '#stages/onnx/graph-nodes.ts';
import { skimModelFile } from '#stages/onnx/model-skim.ts';
import { openSession, type SessionTensor } from '#stages/onnx/session.ts';
import { softLabelHead } from '#stages/onnx/surgery.ts';
import {
  graph,
  int64Tensor,
  model,
  node,
  type ProtoMessage,
  tensor,
  valueInfo,
} from '#stages/onnx/wire.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const HIDDEN = 16;
const VOCABULARY = 41;
const [BATCH, SEQUENCE] = [3, 7];
const folder = temporaryFolder();
const random = randomFor(1, 'logits-head');
const normals = (count: number) => Float32Array.from({ length: count }, () => normal(random));

/** A model whose hidden states are embeddings of its ids; `nodes` make `logits` of `hidden`. */
function modelFile(name: string, nodes: readonly ProtoMessage[], furtherOutputs: string[] = []) {
  const bytes = model(
    graph({
      nodes: [node('Gather', ['embedding', 'input_ids'], ['hidden']), ...nodes],
      initializers: [
        tensor('embedding', 'float32', [VOCABULARY, HIDDEN], normals(VOCABULARY * HIDDEN)),
        tensor('weight', 'float32', [HIDDEN, VOCABULARY], normals(HIDDEN * VOCABULARY)),
        tensor('square', 'float32', [HIDDEN, HIDDEN], normals(HIDDEN * HIDDEN)),
        tensor('bias', 'float32', [VOCABULARY], normals(VOCABULARY)),
        tensor('cap', 'float32', [], Float32Array.of(3)),
        tensor('places', 'float32', [SEQUENCE, 1], normals(SEQUENCE)),
        int64Tensor('rows', [-1, HIDDEN]),
        int64Tensor('split', [BATCH, SEQUENCE, VOCABULARY]),
      ],
      inputs: [valueInfo('input_ids', 'int64', ['batch', 'sequence'])],
      outputs: ['logits', ...furtherOutputs].map((output) =>
        valueInfo(output, 'float32', ['batch', 'sequence', VOCABULARY]),
      ),
    }),
  );
  const path = join(folder, `${name}.onnx`);
  writeFileSync(path, bytes);
  return path;
}

const constant = node('Constant', [], ['half'], {
  value: { tensor: tensor('', 'float32', [1], Float32Array.of(0.5)) },
});

/** Heads that treat each token by itself: what follows the hidden states in exported language models. */
const heads: Record<string, readonly ProtoMessage[]> = {
  'a product and a bias': [
    node('MatMul', ['hidden', 'weight'], ['product']),
    node('Add', ['product', 'bias'], ['logits']),
  ],
  'a bias in front': [
    node('MatMul', ['hidden', 'weight'], ['product']),
    node('Add', ['bias', 'product'], ['logits']),
  ],
  'tied embeddings': [
    node('Transpose', ['embedding'], ['decoder'], { perm: { ints: [1, 0] } }),
    node('MatMul', ['hidden', 'decoder'], ['logits']),
  ],
  'rows that are joined and parted': [
    node('Reshape', ['hidden', 'rows'], ['flat']),
    node('Gemm', ['flat', 'embedding', 'bias'], ['scores'], { transB: { int: 1 } }),
    node('Reshape', ['scores', 'split'], ['logits']),
  ],
  'a soft cap': [
    constant,
    node('MatMul', ['hidden', 'weight'], ['product']),
    node('Mul', ['product', 'half'], ['less']),
    node('Div', ['less', 'cap'], ['shrunk']),
    node('Tanh', ['shrunk'], ['bounded']),
    node('Mul', ['bounded', 'cap'], ['logits']),
  ],
};

/** What is no head that can be computed for some tokens only. */
const others: Record<string, readonly ProtoMessage[]> = {
  'no product': [node('Gather', ['product_table', 'input_ids'], ['logits'])],
  'a bias a place': [
    node('MatMul', ['hidden', 'weight'], ['product']),
    node('Add', ['product', 'places'], ['logits']),
  ],
  'a product that mixes tokens': [
    node('Softmax', ['hidden'], ['shares'], { axis: { int: 1 } }),
    node('MatMul', ['hidden', 'weight'], ['product']),
    node('CumSum', ['product', 'axis'], ['logits']),
  ],
  'a product by what is not constant': [node('MatMul', ['hidden', 'input_ids'], ['logits'])],
};

/** Places of the asked rows among batch * sequence. */
const selections = [[4, 4], [0, 20], [3, 1, 2, 19], Array.from({ length: 21 }, (_, row) => row)];

async function answers(path: string, early: boolean): Promise<SessionTensor[][]> {
  const nodes = early ? readGraphNodes(path) : undefined;
  const request = { topK: 5, temperatures: [1, 2], perToken: true, nodes };
  const { bytes: appendix, edits, outputs } = softLabelHead(skimModelFile(path), request);
  assert.equal(edits.length > 0, early);
  const session = await openSession(path, { device: 'cpu', threads: 1, appendix, edits });
  try {
    const fetches = session.outputs.map(({ name }) => name).filter((name) => name !== 'logits');
    const all: SessionTensor[][] = [];
    for (const rows of selections) {
      const ids = BigInt64Array.from({ length: BATCH * SEQUENCE }, (_, at) =>
        BigInt((at * 5) % 41),
      );
      const feeds: Record<string, SessionTensor> = {
        input_ids: { type: 'int64', data: ids, dims: [BATCH, SEQUENCE] },
        [outputs.asked ?? '']: {
          type: 'int64',
          data: BigInt64Array.from(rows, BigInt),
          dims: [rows.length],
        },
      };
      const results = await session.run(feeds, fetches);
      all.push(
        fetches.filter((name) => !name.endsWith('shape')).flatMap((name) => results[name] ?? []),
      );
    }
    return all;
  } finally {
    await session.close();
  }
}

for (const [what, nodes] of Object.entries(heads)) {
  test(`${what}: computed for the asked tokens alone, every number has the same bits`, async () => {
    const path = modelFile(what.replaceAll(' ', '-'), nodes);
    const before = readFileSync(path);
    assert.deepEqual(await answers(path, true), await answers(path, false));
    assert.deepEqual(readFileSync(path), before);
  });
}

for (const [what, nodes] of Object.entries(others)) {
  test(`${what}: the logits are left where they are`, () => {
    const path = modelFile(what.replaceAll(' ', '-'), nodes);
    const request = { topK: 5, temperatures: [1], perToken: true, nodes: readGraphNodes(path) };
    assert.deepEqual(softLabelHead(skimModelFile(path), request).edits, []);
  });
}

test('the head stays in the graph where something else reads it', async () => {
  const product = node('MatMul', ['hidden', 'weight'], ['product']);
  const path = modelFile(
    'read-twice',
    [product, node('Add', ['product', 'bias'], ['logits']), node('Tanh', ['product'], ['other'])],
    ['other'],
  );
  const [early, late] = [await answers(path, true), await answers(path, false)];
  assert.deepEqual(early, late);
  const { edits } = softLabelHead(skimModelFile(path), {
    topK: 5,
    temperatures: [1],
    perToken: true,
    nodes: readGraphNodes(path),
  });
  // The output and the node that adds the bias; the product is still read.
  assert.equal(edits.length, 2);
});
