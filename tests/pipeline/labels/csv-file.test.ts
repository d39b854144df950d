import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { csvText, writeCsv } from '#pipeline/labels/csv-file.ts';
import { readCorpusFile } from '#tests/support/corpus-file.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('property: our own reader gets every text back, character by character', async () => {
  const path = join(temporaryFolder(), 'texts.csv');
  const text = fc
    .string({ unit: fc.constantFrom('a', 'é', ' ', '"', ',', '\n', '\r', '=', '-', "'", '😀') })
    .filter((one) => one.trim() !== '');
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 5 }), async (texts) => {
      const rows = texts.map((one) => ['', one, '']);
      const columns = ['id', 'text', 'label'];
      writeFileSync(path, csvText({ columns, rows, isSpreadsheetSafe: false }));
      const found = await readCorpusFile(path);
      assert.deepEqual(found.rejects, []);
      assert.deepEqual(
        found.rows.map((row) => row.text),
        texts,
      );
    }),
    { numRuns: 50 },
  );
});

test('a text that a spreadsheet would run gets a quote before it, a negative number does not', () => {
  const table = { columns: ['text', 'margin'], rows: [['=1+1', -0.5]], isSpreadsheetSafe: true };
  assert.equal(csvText(table), "text,margin\n'=1+1,-0.5\n");
});

test('a file that is there is never replaced: somebody may have filled it in', async () => {
  const path = join(temporaryFolder(), 'review.csv');
  writeFileSync(path, 'my work');
  const table = { columns: ['a'], rows: [], isSpreadsheetSafe: true };
  await assert.rejects(writeCsv(path, table), failingWith('E_OUTPUT_EXISTS', 'review.csv'));
});
