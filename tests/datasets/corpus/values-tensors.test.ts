import assert from 'node:assert/strict';
import test from 'node:test';
import type { CorpusColumns } from '#datasets/corpus/corpus-row.ts';
import { corpusFile, jsonLines, readCorpusFile } from '#tests/support/corpus-file.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const columns: CorpusColumns = { text: 'text', label: 'label', id: 'id' };
const valued = (task: 'multi-label' | 'regression', label: string | string[] = 'label') => ({
  ...columns,
  label,
  valueLabels: { task, separator: ',' },
});

async function labelsOf(name: string, content: string, of: CorpusColumns) {
  const { rows, rejects } = await readCorpusFile(corpusFile(temporaryFolder(), name, content), of);
  return { labels: rows.map(({ label }) => label), rejects };
}

test('several labels are a list, a cell with a separator, or a column of 0 and 1 a class', async () => {
  const lists = jsonLines([
    { text: 'a', label: ['y', 'x', 'x'] },
    { text: 'b', label: [] },
    { text: 'c' },
    { text: 'd', label: 'x, y' },
  ]);
  const { labels } = await labelsOf('a.jsonl', lists, valued('multi-label'));
  assert.deepEqual(labels, ['["x","y"]', '[]', null, '["x","y"]']);
  const cells = await labelsOf('a.csv', 'text,label\na,"y,x"\nb,\n', valued('multi-label'));
  assert.deepEqual(cells.labels, ['["x","y"]', null]);
  const table = 'text,x,y\na,1,0\nb,0,0\nc,,\nd,2,0\n';
  const wide = await labelsOf('b.csv', table, valued('multi-label', ['x', 'y']));
  assert.deepEqual(wide.labels, ['["x"]', '[]', null]);
  assert.match(wide.rejects[0]?.reason ?? '', /neither 0 nor 1/);
});

test('a value is a number, a list, or a column an output; what is no number is told', async () => {
  const lines = jsonLines([
    { text: 'a', label: 0.5 },
    { text: 'b', label: [1, -2] },
    { text: 'c', label: 'much' },
  ]);
  const { labels, rejects } = await labelsOf('a.jsonl', lines, valued('regression'));
  assert.deepEqual(labels, ['[0.5]', '[1,-2]']);
  assert.match(rejects[0]?.reason ?? '', /text instead of a number/);
  const table = await labelsOf(
    'a.csv',
    'text,u,v\na,1,2.5\nb,,\nc,1,\n',
    valued('regression', ['u', 'v']),
  );
  assert.deepEqual(table.labels, ['[1,2.5]', null]);
  assert.equal(table.rejects.length, 1);
});

test('tensors are columns, a prefix or a list, scaled; a wrong number of values is told', async () => {
  const of = (shape: (number | null)[] | undefined, list: string | string[]): CorpusColumns => ({
    ...columns,
    text: null,
    tensors: { image: { columns: list, shape, scale: 0.5 } },
  });
  const folder = temporaryFolder();
  const table = corpusFile(folder, 'a.csv', 'p0,p1,p2,label\n1,2,3,x\n4,five,6,y\n');
  const { rows, rejects } = await readCorpusFile(table, of([3], 'p*'));
  assert.deepEqual(rows[0]?.features, { image: Float32Array.of(0.5, 1, 1.5) });
  assert.equal(rows[0]?.text, '');
  assert.match(rejects[0]?.reason ?? '', /text instead of numbers/);
  const lists = corpusFile(
    folder,
    'a.jsonl',
    jsonLines([
      {
        image: [
          [2, 4],
          [6, 8],
        ],
      },
      { image: [1] },
    ]),
  );
  const nested = await readCorpusFile(lists, of([2, 2], 'image'));
  assert.deepEqual(nested.rows[0]?.features, { image: Float32Array.of(1, 2, 3, 4) });
  assert.match(nested.rejects[0]?.reason ?? '', /1 numbers do not fill \[2, 2\]/);
  await assert.rejects(readCorpusFile(table, of([3], 'q*')), /no column "q\*"/);
});

test('an IDX file gives its rows with the labels beside it; one that is cut is refused', async () => {
  const folder = temporaryFolder();
  const head = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
  const images = corpusFile(
    folder,
    't-images-idx3-ubyte',
    Uint8Array.from([...head, 1, 2, 3, 255]),
  );
  corpusFile(folder, 't-labels-idx1-ubyte', Uint8Array.from([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]));
  const of: CorpusColumns = {
    ...columns,
    text: null,
    tensors: { image: { columns: 'pixels', shape: [2], scale: 1 } },
  };
  const { rows } = await readCorpusFile(images, of);
  assert.deepEqual(
    rows.map(({ label, features }) => [label, [...(features?.['image'] ?? [])]]),
    [
      ['7', [1, 2]],
      ['9', [3, 255]],
    ],
  );
  const cut = corpusFile(folder, 'u-images-idx3-ubyte', Uint8Array.from([...head, 1, 2]));
  await assert.rejects(readCorpusFile(cut, of), /2 bytes of \[2, 1, 2\]/);
});
