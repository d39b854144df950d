import type { Example } from '#datasets/example.ts';
import { writeExamples } from '#datasets/examples.ts';
import { type HardLabel, writeHardLabels } from '#datasets/hard-labels.ts';
import { writeLabels } from '#datasets/labels.ts';
import { writePredictions } from '#datasets/predictions.ts';
import { writeTokens } from '#datasets/tokens/tokens.ts';
import { type AddTable, bitsOf, type Columns, inChunks, table } from './expected-table.ts';

/** Small tables of every format but soft labels. */
export async function addRowTables(add: AddTable): Promise<void> {
  await addExamples(add);
  await addLabels(add);
  await addTokens(add, 'tokens', null);
  await addTokens(add, 'tokens of pairs', Int32Array.of(0, 0, 1, 0));
  await addHardLabels(add);
  await addPredictions(add);
}

async function addExamples(add: AddTable): Promise<void> {
  const rows: Example[] = [
    {
      exampleId: IDS[0],
      split: 'train',
      sourceId: null,
      text: 'Where is my 💳?',
      textPair: null,
      weight: 1,
    },
    {
      exampleId: IDS[1],
      split: 'validation',
      sourceId: 'row 2',
      text: '',
      textPair: 'ü',
      weight: 7,
    },
    {
      exampleId: IDS[2],
      split: 'test',
      sourceId: null,
      text: '"x"\t\n',
      textPair: '',
      weight: 2e9,
    },
  ];
  const columns: Columns = {
    example_id: ['utf8', IDS],
    split: ['utf8', ['train', 'validation', 'test']],
    source_id: ['utf8?', [null, 'row 2', null]],
    text: ['utf8', ['Where is my 💳?', '', '"x"\t\n']],
    text_pair: ['utf8?', [null, 'ü', '']],
    weight: ['int32', [1, 7, 2e9]],
  };
  await writeExamples(add('examples', table(columns, { 'decant.format': 'examples' })), rows);
}

async function addLabels(add: AddTable): Promise<void> {
  const columns: Columns = {
    example_id: ['utf8', [IDS[0], IDS[0], IDS[1]]],
    label_id: ['int32', [2, 0, 76]],
    label: ['utf8', ['Rückzahlung', '💸', 'x']],
    weight: ['float', bitsOf([0.3, 0.7, 1])],
  };
  await writeLabels(add('labels', table(columns, { 'decant.format': 'labels' })), [
    { exampleId: IDS[0], labelId: 2, label: 'Rückzahlung', weight: 0.3 },
    { exampleId: IDS[0], labelId: 0, label: '💸', weight: 0.7 },
    { exampleId: IDS[1], labelId: 76, label: 'x', weight: 1 },
  ]);
}

async function addTokens(add: AddTable, name: string, typeIds: Int32Array | null): Promise<void> {
  const columns: Columns = {
    example_id: ['utf8', IDS],
    token_ids: ['list<int32>', [[101, 7, 102], [], [30_521]]],
    ...(typeIds === null ? {} : { type_ids: ['list<int32>', [[0, 0, 1], [], [0]]] }),
    truncated: ['int32', [1, 0, 0]],
  };
  const footer = {
    'decant.format': 'tokens',
    'decant.tokenizer_digest': 'b'.repeat(64),
    'decant.max_length': '3',
  };
  await writeTokens(add(name, table(columns, footer)), {
    exampleIds: IDS,
    offsets: Int32Array.of(0, 3, 3, 4),
    tokenIds: Int32Array.of(101, 7, 102, 30_521),
    typeIds,
    truncated: Uint8Array.of(1, 0, 0),
    tokenizerDigest: 'b'.repeat(64),
    maxLength: 3,
  });
}

/** Two rows, and none: a policy may find nothing to relabel. */
async function addHardLabels(add: AddTable): Promise<void> {
  const rows: HardLabel[] = [
    {
      exampleId: IDS[0],
      split: 'train',
      oldLabel: null,
      oldLabelId: null,
      newLabel: '💸',
      newLabelId: 0,
      reason: 'agree',
      teacherConfidence: 0.1,
      studentConfidence: 1 / 3,
      confidence: null,
      fold: null,
    },
    {
      exampleId: IDS[1],
      split: 'validation',
      oldLabel: 'Rückzahlung',
      oldLabelId: 2,
      newLabel: 'x',
      newLabelId: 76,
      reason: '',
      teacherConfidence: 1,
      studentConfidence: 0,
      confidence: null,
      fold: null,
    },
  ];
  for (const [name, count] of [
    ['hard labels', 2],
    ['no hard labels', 0],
  ] as const) {
    const columns: Columns = {
      example_id: ['utf8', IDS.slice(0, count)],
      split: ['utf8', ['train', 'validation'].slice(0, count)],
      old_label: ['utf8?', [null, 'Rückzahlung'].slice(0, count)],
      old_label_id: ['int32?', [null, 2].slice(0, count)],
      new_label: ['utf8', ['💸', 'x'].slice(0, count)],
      new_label_id: ['int32', [0, 76].slice(0, count)],
      reason: ['utf8', ['agree', ''].slice(0, count)],
      teacher_confidence: ['float', bitsOf([0.1, 1].slice(0, count))],
      student_confidence: ['float', bitsOf([1 / 3, 0].slice(0, count))],
    };
    const folder = add(name, table(columns, { 'decant.format': 'hard-labels' }));
    await writeHardLabels(folder, rows.slice(0, count));
  }
}

/** The teacher of a top-k cache has empty lists of logits. */
async function addPredictions(add: AddTable): Promise<void> {
  const logits = Float32Array.of(0.1, -2, 3, 1e-30, 5, -0, 7, 8, 9);
  for (const [name, kept] of [
    ['predictions', logits],
    ['predictions without logits', new Float32Array(0)],
  ] as const) {
    const columns: Columns = {
      example_id: ['utf8', IDS],
      split: ['utf8', ['test', 'test', 'test']],
      predicted_id: ['int32', [2, 1, 2]],
      confidence: ['float', bitsOf([0.9, 0.1, 1])],
      logits: ['list<float>', kept.length === 0 ? [[], [], []] : inChunks(bitsOf(kept), 3)],
    };
    const folder = add(name, table(columns, { 'decant.format': 'predictions' }));
    await writePredictions(folder, 'test', {
      rowCount: IDS.length,
      exampleIds: IDS,
      predictedIds: Int32Array.of(2, 1, 2),
      confidence: Float32Array.of(0.9, 0.1, 1),
      logits: kept,
    });
  }
}

const IDS = ['a'.repeat(32), 'b'.repeat(32), 'c'.repeat(32)] as const;
