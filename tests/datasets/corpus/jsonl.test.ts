import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corpusFile, jsonLines, readCorpusFile } from '#tests/support/corpus-file.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('bad JSON lines are rejected with their place, the good ones around them stay', async () => {
  const lines = [
    '{"text": "good", "label": "a"}',
    '{"text": "cut',
    '["a", "b"]',
    '{"label": "a"}',
    '{"text": null}',
    '{"text": 7}',
    '{"text": "  "}',
    '{"text": "half \\ud83d"}',
    '{"text": "nul \\u0000"}',
    '{"text": "x", "label": {"a": 1}}',
    '{"text": "x", "id": 9007199254740993}',
    '{"text": "x", "a": {"text": ":"}, "text": "y"}',
    '{"text": "x", "\\u0074ext": "y"}',
    '{"text": "{\\"text\\": 1}", "other": {"text": "x", "b": [":"]}, "label": 3, "id": 12}',
  ];
  const { rows, rejects } = await readCorpusFile(
    corpusFile(temporaryFolder(), 'bad.jsonl', lines.join('\n')),
  );
  assert.deepEqual(
    rows.map(({ line, text, label, sourceId }) => [line, text, label, sourceId]),
    [
      [1, 'good', 'a', null],
      [14, '{"text": 1}', '3', '12'],
    ],
  );
  assert.deepEqual(
    rejects.map(({ line, column, code }) => [line, column, code]),
    [
      [2, null, 'bad-json'],
      [3, null, 'wrong-type'],
      [4, 'text', 'missing-value'],
      [5, 'text', 'missing-value'],
      [6, 'text', 'wrong-type'],
      [7, 'text', 'empty-value'],
      [8, 'text', 'lone-surrogate'],
      [9, 'text', 'nul-character'],
      [10, 'label', 'wrong-type'],
      [11, 'id', 'inexact-number'],
      [12, 'text', 'duplicate-key'],
      [13, 'text', 'duplicate-key'],
    ],
  );
  assert.ok(rejects.every((reject) => reject.file === 'bad.jsonl' && reject.reason !== ''));
});

test('a bad byte in JSON Lines is named by its offset in the file, byte order mark included', async () => {
  const bytes = Buffer.concat([
    Buffer.from('\ufeff{"text": "ok"}\n{"text": "b'),
    Buffer.from([0xe4]),
    Buffer.from('d"}\n'),
  ]);
  const { rows, rejects } = await readCorpusFile(corpusFile(temporaryFolder(), 'a.jsonl', bytes));
  assert.equal(rows.length, 1);
  assert.deepEqual([rejects[0]?.code, rejects[0]?.line], ['bad-utf8', 2]);
  assert.match(rejects[0]?.reason ?? '', new RegExp(`byte ${bytes.indexOf(0xe4)} `));
});

test('labels that are numbers or truth values are kept as they are written, blank ones are none', async () => {
  const labels = [0, -3, 1.5, true, '', '  ', null];
  const rows = labels.map((label, row) => ({ text: `row ${row}`, label }));
  const found = await readCorpusFile(corpusFile(temporaryFolder(), 'a.jsonl', jsonLines(rows)));
  assert.deepEqual(
    found.rows.map((row) => row.label),
    ['0', '-3', '1.5', 'true', null, null, null],
  );
});

test('a text of megabytes full of quotes is read whole', async () => {
  const text = '"quoted" \\ back\n'.repeat(300_000);
  const path = corpusFile(temporaryFolder(), 'a.jsonl', jsonLines([{ text }, { text: 'next' }]));
  const { rows, rejects } = await readCorpusFile(path);
  assert.deepEqual(rejects, []);
  assert.ok(rows[0]?.text === text);
  assert.equal(rows[1]?.line, 2);
});
