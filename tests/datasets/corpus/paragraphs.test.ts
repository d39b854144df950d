import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { CorpusEntry } from '#datasets/corpus/corpus-row.ts';
import { openCorpus } from '#datasets/corpus/open-corpus.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();
const columns = { text: 'text', label: 'label', id: 'id' };

async function read(content: string | Buffer, name = 'text.txt'): Promise<CorpusEntry[]> {
  const path = join(folder, name);
  writeFileSync(path, content);
  const entries: CorpusEntry[] = [];
  for await (const entry of openCorpus(path, columns)) entries.push(entry);
  return entries;
}

function told(entries: readonly CorpusEntry[]) {
  return entries.map((entry) =>
    entry.type === 'row'
      ? [entry.row.line, entry.row.text]
      : [entry.reject.line, entry.reject.code],
  );
}

test('a row of a .txt file is what stands between blank lines, with the line that it begins on', async () => {
  const entries = await read('\n\nFirst,\n  and second.\n \t\nThird.\n\n\n\nLast');
  assert.deepEqual(told(entries), [
    [3, 'First,\n  and second.'],
    [6, 'Third.'],
    [10, 'Last'],
  ]);
});

test('line ends of Windows and a byte order mark are no part of a text', async () => {
  assert.deepEqual(told(await read('\ufeffOne\r\ntwo\r\n\r\nthree\r\n')), [
    [1, 'One\ntwo'],
    [4, 'three'],
  ]);
});

test('gzip is unpacked, and a paragraph that is not UTF-8 is rejected alone', async () => {
  const bytes = Buffer.concat([
    Buffer.from('good\n\n'),
    Buffer.of(0xe9, 0x0a),
    Buffer.from('\nlast'),
  ]);
  assert.deepEqual(told(await read(gzipSync(bytes), 'text.txt.gz')), [
    [1, 'good'],
    [3, 'bad-utf8'],
    [5, 'last'],
  ]);
});
