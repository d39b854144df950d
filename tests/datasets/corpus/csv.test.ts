import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corpusFile, readCorpusFile } from '#tests/support/corpus-file.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const columns = { text: 'text', label: 'label', id: 'id' };

test('a CSV row knows the line on which it begins, also behind rows of several lines', async () => {
  const path = corpusFile(temporaryFolder(), 'a.csv', 'text\n"one\ntwo"\n\n"three"\nfour\n');
  const { rows } = await readCorpusFile(path);
  assert.deepEqual(
    rows.map((row) => row.line),
    [2, 5, 6],
  );
});

test('a CSV without a column that is needed names the columns it has', async () => {
  const folder = temporaryFolder();
  const path = corpusFile(folder, 'a.csv', 'sentence,label\nx,y\n');
  await assert.rejects(
    readCorpusFile(path),
    failingWith('E_CORPUS_COLUMN', 'a.csv', '"text"', 'sentence, label'),
  );
  const pairs = corpusFile(folder, 'b.csv', 'text,label\nx,y\n');
  await assert.rejects(
    readCorpusFile(pairs, { ...columns, textPair: 'second' }),
    failingWith('E_CORPUS_COLUMN', '"second"', 'text, label'),
  );
  const twice = corpusFile(folder, 'c.csv', 'text,label,label\nx,y,z\n');
  await assert.rejects(readCorpusFile(twice), failingWith('E_CORPUS_COLUMN', '2 times', '"label"'));
  await assert.rejects(
    readCorpusFile(corpusFile(folder, 'd.csv', '')),
    failingWith('E_CORPUS_EMPTY', 'd.csv'),
  );
});

test('a CSV without label and id columns holds unlabelled rows', async () => {
  const { rows } = await readCorpusFile(corpusFile(temporaryFolder(), 'a.csv', 'text\nhello\n'));
  assert.deepEqual(rows, [
    { file: 'a.csv', line: 2, text: 'hello', textPair: null, label: null, sourceId: null },
  ]);
});

test('bad CSV rows are rejected with their place, the good ones around them stay', async () => {
  const path = corpusFile(
    temporaryFolder(),
    'bad.csv',
    Buffer.concat([
      Buffer.from('text,label\ngood,a\ntoo,many,fields\nfew\nx"y,b\n'),
      Buffer.from([0x62, 0xe4, 0x64, 0x2c, 0x61, 0x0a]),
      Buffer.from(' ,a\nnul\u0000,a\nalso good,b\n'),
    ]),
  );
  const { rows, rejects } = await readCorpusFile(path);
  assert.deepEqual(
    rows.map((row) => row.text),
    ['good', 'also good'],
  );
  assert.deepEqual(
    rejects.map(({ file, line, column, code }) => [file, line, column, code]),
    [
      ['bad.csv', 3, null, 'field-count'],
      ['bad.csv', 4, null, 'field-count'],
      ['bad.csv', 5, null, 'stray-quote'],
      ['bad.csv', 6, 'text', 'bad-utf8'],
      ['bad.csv', 7, 'text', 'empty-value'],
      ['bad.csv', 8, 'text', 'nul-character'],
    ],
  );
  assert.match(rejects[3]?.reason ?? '', /byte 38 /);
});

test('a quote that is never closed, or closed in the middle, refuses the file and names the row', async () => {
  const folder = temporaryFolder();
  const open = corpusFile(folder, 'open.csv', 'text,label\nx,a\n"y,b\nz,c\n');
  await assert.rejects(
    readCorpusFile(open),
    failingWith('E_CORPUS_QUOTES', 'open.csv', 'line 3', 'never closed'),
  );
  const middle = corpusFile(folder, 'middle.csv', 'text,label\n"x"y,a\nz,c\n"z",c\n');
  await assert.rejects(
    readCorpusFile(middle),
    failingWith('E_CORPUS_QUOTES', 'middle.csv', 'line 2'),
  );
});

test('a header that is not UTF-8 refuses the file', async () => {
  const path = corpusFile(
    temporaryFolder(),
    'a.csv',
    Buffer.from('t\u00e9xt,label\nx,y\n', 'latin1'),
  );
  await assert.rejects(readCorpusFile(path), failingWith('E_CORPUS_ENCODING', 'byte 0'));
});
