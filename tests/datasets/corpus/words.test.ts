import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CorpusColumns } from '#datasets/corpus/corpus-row.ts';
import { corpusFile, jsonLines, readCorpusFile } from '#tests/support/corpus-file.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const columns: CorpusColumns = { text: 'text', label: 'label', id: 'id' };

function wordsOf(
  content: string | Uint8Array,
  name = 'a.conll',
  more: Partial<CorpusColumns> = {},
) {
  const path = corpusFile(temporaryFolder(), name, content);
  return readCorpusFile(path, { ...columns, ...more }, 'token-classification');
}

test('a CoNLL file has a word a line, its tag behind a tab, and sentences between blank lines', async () => {
  const { rows, rejects } = await wordsOf(
    '-DOCSTART-\tO\n\nEmpire\tB-location\nState\tI-location\n\t\n\n \nNew York\tO\r\n@x\tB-person',
  );
  assert.deepEqual(rejects, []);
  assert.deepEqual(
    rows.map(({ line, text, words, tags, label }) => [line, text, words, tags, label]),
    [
      [3, 'Empire State', ['Empire', 'State'], ['B-location', 'I-location'], null],
      [8, 'New York @x', ['New York', '@x'], ['O', 'B-person'], null],
    ],
  );
});

test('columns may stand between spaces, as in CoNLL 2003, and others than first and last be read', async () => {
  const content = '-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\nrejects VBZ I-VP O\n';
  const { rows } = await wordsOf(content);
  assert.deepEqual(rows[0]?.tags, ['B-ORG', 'O']);
  const { rows: others } = await wordsOf(content, 'a.txt', { wordColumn: 2, tagColumn: 3 });
  assert.deepEqual(others[0]?.words, ['NNP', 'VBZ']);
  assert.deepEqual(others[0]?.tags, ['I-NP', 'I-VP']);
});

test('a file of one column has words without tags, and comments stand between sentences of several', async () => {
  const { rows } = await wordsOf('Empire\nState\n\nESB\n');
  assert.deepEqual(
    rows.map(({ words, tags }) => [words, tags]),
    [
      [
        ['Empire', 'State'],
        [null, null],
      ],
      [['ESB'], [null]],
    ],
  );
  const commented = await wordsOf('a\tO\n\n# sent_id = 2\n#tag\tO\n');
  assert.deepEqual(
    commented.rows.map(({ words }) => words),
    [['a'], ['#tag']],
  );
});

test('a sentence with a ragged or unreadable line is a reject, told by that line', async () => {
  const bytes = Buffer.concat([
    Buffer.from('good\tO\n\nragged\nline\tO\n\ntoo\tmany\tO\n\nbad '),
    Buffer.from([0xff]),
    Buffer.from('\tO\nline\tO\n\n\tO\n\nnul \u0000\tO\n\nlast\tO\n'),
  ]);
  const { rows, rejects } = await wordsOf(bytes);
  assert.deepEqual(
    rows.map(({ words }) => words),
    [['good'], ['last']],
  );
  assert.deepEqual(
    rejects.map(({ line, column, code }) => [line, column, code]),
    [
      [3, null, 'field-count'],
      [6, null, 'field-count'],
      [8, null, 'bad-utf8'],
      [11, 'tokens', 'empty-value'],
      [13, 'tokens', 'nul-character'],
    ],
  );
});

test('JSON Lines give words and labels as lists, packed or not; a row without labels is unlabelled', async () => {
  const content = jsonLines([
    { id: 7, tokens: ['a', 'b'], labels: ['O', null] },
    { tokens: ['c'] },
    { tokens: ['c'], labels: ['O', 'O'] },
    { tokens: [] },
    { tokens: 'c' },
    { tokens: ['c', 4] },
    { text: 'c' },
  ]);
  const { rows, rejects } = await wordsOf(content, 'a.jsonl.gz');
  assert.deepEqual(
    rows.map(({ sourceId, words, tags }) => [sourceId, words, tags]),
    [
      ['7', ['a', 'b'], ['O', null]],
      [null, ['c'], [null]],
    ],
  );
  assert.deepEqual(
    rejects.map(({ line, code }) => [line, code]),
    [
      [3, 'field-count'],
      [4, 'empty-value'],
      [5, 'wrong-type'],
      [6, 'wrong-type'],
      [7, 'missing-value'],
    ],
  );
  const named = jsonLines([{ words: ['a'], ner_tags: ['O'] }]);
  const renamed = await wordsOf(named, 'b.jsonl', { tokens: 'words', labels: 'ner_tags' });
  assert.deepEqual(renamed.rows[0]?.tags, ['O']);
});

test('a table file does not say where words begin, and a CoNLL file needs its task', async () => {
  await assert.rejects(wordsOf('a,b\n', 'a.csv'), failingWith('E_CORPUS_KIND', 'a.csv'));
  const path = corpusFile(temporaryFolder(), 'a.conll', 'a\tO\n');
  await assert.rejects(
    readCorpusFile(path),
    failingWith('E_CORPUS_KIND', 'a.conll', 'unknown kind'),
  );
});
