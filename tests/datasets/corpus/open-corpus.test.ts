import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { Failure } from '#cache/failure.ts';
import { corpusFile, jsonLines, readCorpusFile } from '#tests/support/corpus-file.ts';
import { failingWith } from '#tests/support/failure.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const three = [
  { id: 'a', text: 'plain', label: 'yes' },
  { id: 'b', text: 'with, comma\tand tab and "quotes"', label: 'no' },
  { id: 'c', text: 'two\nlines – ünïcödé 😀', label: null },
];

const csv = `id,text,label\na,plain,yes\nb,"with, comma\tand tab and ""quotes""",no\nc,"two\nlines – ünïcödé 😀",\n`;
const tsv = `id\ttext\tlabel\na\tplain\tyes\nb\t"with, comma\tand tab and ""quotes"""\tno\nc\t"two\nlines – ünïcödé 😀"\t\n`;
const contents = {
  'a.csv': csv,
  'a.tsv': tsv,
  'a.jsonl': jsonLines(three),
  'a.ndjson': jsonLines(three),
};

for (const [name, content] of Object.entries(contents)) {
  for (const file of [name, `${name}.gz`, name.toUpperCase()]) {
    test(`${file}: the same rows, whatever the kind`, async () => {
      const { rows, rejects } = await readCorpusFile(corpusFile(temporaryFolder(), file, content));
      assert.deepEqual(rejects, []);
      const found = rows.map(({ sourceId, text, label }) => ({ id: sourceId, text, label }));
      assert.deepEqual(found, three);
      assert.deepEqual(new Set(rows.map((row) => row.file)), new Set([file]));
    });
  }

  test(`${name}: a byte order mark is dropped`, async () => {
    const { rows } = await readCorpusFile(corpusFile(temporaryFolder(), name, `\ufeff${content}`));
    assert.equal(rows[0]?.sourceId, 'a');
  });

  test(`${name}: lines may end in CR LF, blank lines and a missing last line end do not matter`, async () => {
    const windows = content.replaceAll('two\nlines', 'two lines').replaceAll('\n', '\r\n');
    const path = corpusFile(temporaryFolder(), name, `${windows}\r\n\r\n${lastRow[name] ?? ''}`);
    const { rows, rejects } = await readCorpusFile(path);
    assert.deepEqual(rejects, []);
    assert.deepEqual(
      rows.map((row) => row.label),
      ['yes', 'no', null, 'maybe'],
    );
  });

  test(`${name}: a truncated .gz is a failure, never a short corpus`, async () => {
    const whole = gzipSync(content);
    const path = join(temporaryFolder(), `${name}.gz`);
    writeFileSync(path, whole.subarray(0, whole.length - 9));
    await assert.rejects(readCorpusFile(path), failingWith('E_CORPUS_GZIP', `${name}.gz`));
    writeFileSync(path, 'not gzip at all');
    await assert.rejects(readCorpusFile(path), failingWith('E_CORPUS_GZIP', `${name}.gz`));
  });

  test(`${name}: a file in UTF-16 is refused`, async () => {
    const path = corpusFile(temporaryFolder(), name, Buffer.from(`\ufeff${content}`, 'utf16le'));
    await assert.rejects(
      readCorpusFile(path),
      failingWith('E_CORPUS_ENCODING', 'byte 0', 'UTF-16'),
    );
  });

  test(`${name}: a missing file and a folder are failures`, async () => {
    const folder = temporaryFolder();
    await assert.rejects(readCorpusFile(join(folder, name)), failingWith('E_CORPUS_MISSING', name));
    mkdirSync(join(folder, name));
    await assert.rejects(
      readCorpusFile(join(folder, name)),
      failingWith('E_CORPUS_UNREADABLE', name),
    );
  });
}

const lastRow: Record<string, string> = {
  'a.csv': 'd,last,maybe',
  'a.tsv': 'd\tlast\tmaybe',
  'a.jsonl': '{"id":"d","text":"last","label":"maybe"}',
  'a.ndjson': '{"id":"d","text":"last","label":"maybe"}',
};

test('an unknown extension is refused with the kinds that are known', async () => {
  const path = corpusFile(temporaryFolder(), 'a.xlsx', 'x');
  await assert.rejects(readCorpusFile(path), (error: Failure) => {
    assert.equal(error.code, 'E_CORPUS_KIND');
    for (const kind of ['.csv', '.tsv', '.jsonl', '.ndjson', '.gz']) {
      assert.ok(error.fix.includes(kind), error.fix);
    }
    return true;
  });
});

test('the sample: every row of its files is good', async () => {
  const sizes = {
    'labelled.csv': 120,
    'unlabelled.jsonl': 590,
    'validation.jsonl': 116,
    'test.jsonl': 240,
  };
  for (const [name, size] of Object.entries(sizes)) {
    const { rows, rejects } = await readCorpusFile(join(sampleFolder('mini'), name));
    assert.equal(rows.length, size);
    assert.equal(rejects.length, 0);
  }
});

test('characters cut by the chunks of the reader come out whole', async () => {
  const text = '😀ü'.repeat(200_000);
  for (const [name, content] of [
    ['a.jsonl', jsonLines([{ text }])],
    ['a.csv', `text\n${text}\n`],
  ] as const) {
    const { rows } = await readCorpusFile(corpusFile(temporaryFolder(), name, content));
    assert.equal(rows[0]?.text, text);
  }
});

test('property: every text comes back as it was written, from a table and from JSON Lines', async () => {
  const texts = fc.array(
    fc.string({ unit: 'binary' }).filter((text) => text.trim() !== '' && !text.includes('\0')),
    { minLength: 1, maxLength: 20 },
  );
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const folder = temporaryFolder();
  await fc.assert(
    fc.asyncProperty(texts, async (written) => {
      const lines = jsonLines(written.map((text) => ({ text })));
      const table = ['text', ...written.map(quoted)].join('\n');
      for (const [name, content] of [
        ['a.jsonl', lines],
        ['a.csv', table],
        ['a.tsv', table],
      ] as const) {
        const { rows, rejects } = await readCorpusFile(corpusFile(folder, name, content));
        assert.deepEqual(rejects, []);
        assert.deepEqual(
          rows.map((row) => row.text),
          written,
        );
      }
    }),
    { numRuns: 60 },
  );
});
