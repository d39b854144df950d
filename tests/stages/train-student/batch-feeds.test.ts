import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedSpec, Feeds } from '#stages/tensorflow/step-program.ts';
import {
  type BatchLayout,
  trainingFeedSpecs,
  trainingFeeds,
} from '#stages/train-student/batches/batch-feeds.ts';
import type { TransferRow } from '#stages/train-student/transfer-set.ts';

const layout: BatchLayout = {
  batchSize: 3,
  padTokenId: 9,
  dropout: true,
  soft: { type: 'top-k', width: 2 },
  goldPerRow: 2,
};
const scalars = {
  temperature: 2,
  softLossWeight: 0.9,
  hardLossWeight: 0.1,
  dropoutSeed: [5, 6],
} as const;
const rows: TransferRow[] = [
  {
    exampleId: 'a',
    tokenIds: Int32Array.of(1, 2, 3),
    gold: [
      { labelId: 4, weight: 0.75 },
      { labelId: 2, weight: 0.25 },
    ],
    soft: softTarget([4, 2], [-0.5, -2], -1.5),
  },
  { exampleId: 'b', tokenIds: Int32Array.of(7), gold: [], soft: softTarget([0, 1], [-1, -3], -2) },
];

test('rows are padded on the right; a missing row is one padding token long', () => {
  const { inputIds, lengths } = feeds();
  assert.deepEqual([...(inputIds ?? [])], [1, 2, 3, 9, 7, 9, 9, 9, 9, 9, 9, 9]);
  assert.deepEqual([...(lengths ?? [])], [3, 1, 1]);
});

test('a missing row has weight 0 and finite targets', () => {
  const { rowWeights, goldWeights, topLogProbs, tailLogMass } = feeds();
  assert.deepEqual([...(rowWeights ?? [])], [1, 1, 0]);
  assert.deepEqual([...(goldWeights ?? [])], [0.75, 0, 0, 0.25, 0, 0]);
  assert.ok([...(topLogProbs ?? [NaN]), ...(tailLogMass ?? [NaN])].every(Number.isFinite));
});

test('a list of fewer classes is filled up with its first one, at a probability of 0', () => {
  const fewer = { ...rows[0], soft: softTarget([4], [-0.5], -1) } as TransferRow;
  const batch = { bucket: 4, rows: [fewer] };
  const { topIds, topLogProbs } = trainingFeeds(batch, layout, scalars);
  assert.deepEqual([...(topIds ?? [])].slice(0, 2), [4, 4]);
  assert.deepEqual([...(topLogProbs ?? [])].slice(0, 2), [-0.5, Number.NEGATIVE_INFINITY]);
});

test('targets of words lie at their tokens, and every other token counts nowhere', () => {
  const [first, second] = rows;
  const words: TransferRow[] = [
    {
      exampleId: 'a',
      tokenIds: Int32Array.of(1, 2, 3),
      gold: [],
      soft: null,
      answers: [
        { at: 1, gold: [{ labelId: 4, weight: 1 }], soft: first?.soft ?? null },
        { at: 2, gold: [], soft: second?.soft ?? null },
      ],
    },
    {
      exampleId: 'b',
      tokenIds: Int32Array.of(7, 8),
      gold: [],
      soft: null,
      answers: [{ at: 0, gold: [{ labelId: 2, weight: 1 }], soft: null }],
    },
  ];
  const ofWords = { ...layout, goldPerRow: 1, perToken: true };
  const { rowWeights, goldIds, goldWeights, topIds } = trainingFeeds(
    { bucket: 4, rows: words },
    ofWords,
    scalars,
  );
  assert.deepEqual([...(rowWeights ?? [])], [0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([...(goldWeights ?? [])], [0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([goldIds?.[1], goldIds?.[4]], [4, 2]);
  assert.deepEqual([...(topIds ?? [])].slice(2, 6), [4, 2, 0, 1]);
  for (const { name, shape } of trainingFeedSpecs(ofWords, 4)) {
    assert.ok(!['rowWeights', 'goldIds'].includes(name) || shape[0] === 12, name);
  }
});

test('gold labels lie label by label, so that repeated logits meet the right ones', () => {
  assert.deepEqual([...(feeds()['goldIds'] ?? [])], [4, 0, 0, 2, 0, 0]);
});

test('every layout feeds exactly what its specs declare', () => {
  const dense: TransferRow['soft'] = { type: 'dense', logits: Float32Array.of(1, 2, 3, 4, 5) };
  const drawn: TransferRow['soft'] = {
    type: 'sampled',
    sampleIds: Int32Array.of(3, 1),
    sampleShares: Float32Array.of(0.75, 0.25),
  };
  const layouts: BatchLayout[] = [
    layout,
    { ...layout, dropout: false, goldPerRow: 0 },
    { ...layout, soft: null },
    { ...layout, soft: { type: 'dense', width: 5 } },
    { ...layout, soft: { type: 'sampled', width: 4 } },
  ];
  for (const each of layouts) {
    const soft = { dense, sampled: drawn, 'top-k': undefined }[each.soft?.type ?? 'top-k'];
    const given = rows.map((row) => (soft === undefined ? row : { ...row, soft }));
    const values = trainingFeeds({ bucket: 4, rows: given }, each, scalars);
    assert.deepEqual(described(values), declared(trainingFeedSpecs(each, 4)));
  }
});

test('draws are filled up with shares of 0, and a missing row has none', () => {
  const soft = {
    type: 'sampled',
    sampleIds: Int32Array.of(3, 1),
    sampleShares: Float32Array.of(0.75, 0.25),
  } as const;
  const drawnLayout: BatchLayout = { ...layout, soft: { type: 'sampled', width: 3 } };
  const given = rows.map((row) => ({ ...row, soft }));
  const { sampleIds, sampleShares } = trainingFeeds(
    { bucket: 4, rows: given },
    drawnLayout,
    scalars,
  );
  assert.deepEqual([...(sampleIds ?? [])], [3, 1, 0, 3, 1, 0, 0, 0, 0]);
  assert.deepEqual([...(sampleShares ?? [])], [0.75, 0.25, 0, 0.75, 0.25, 0, 0, 0, 0]);
});

function feeds(): Feeds {
  return trainingFeeds({ bucket: 4, rows }, layout, scalars);
}

function softTarget(topIds: number[], topLogProbs: number[], tailLogMass: number) {
  return {
    type: 'top-k',
    topIds: Int32Array.from(topIds),
    topLogProbs: Float32Array.from(topLogProbs),
    tailLogMass,
  } as const;
}

function described(values: Feeds): string[] {
  return Object.entries(values)
    .map(([name, array]) => {
      const dtype = array instanceof Int32Array ? 'int32' : 'float32';
      return `${name} ${dtype} ${array.length}`;
    })
    .sort();
}

function declared(specs: readonly FeedSpec[]): string[] {
  return specs
    .map(({ name, dtype, shape }) => `${name} ${dtype} ${shape.reduce((a, b) => a * b, 1)}`)
    .sort();
}
