import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestFile } from '#cache/digest.ts';
import { SPLITS } from '#datasets/example.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import {
  prepareRows,
  readJsonLines,
  type SmallCorpus,
  smallCorpus,
} from '#tests/support/prepare-run.ts';
import type { StageRun } from '#tests/support/run-stage.ts';

const long = `${'my card is late and '.repeat(12)} the exchange rate was wrong`;
const corpus: SmallCorpus = {
  ...smallCorpus,
  train: [...smallCorpus.train, { text: long, label: 'card_arrival', id: 'long' }],
};

function folder(run: StageRun, name: string): string {
  return run.outputs[name] ?? assert.fail(`no output ${name}`);
}

const prepared = (config: object, rows = corpus) =>
  prepareRows(rows, { config: { teacherMaxLength: 16, ...config } });

test('how many rows are longer than a model reads is always said', async () => {
  const run = await prepared({});
  const said = [...run.notes, ...run.warnings].join('\n');
  assert.match(
    said,
    /1 of 6 rows \(16\.7 %\) are longer than 16 tokens and lose the rest \(teacher/,
  );
  assert.match(said, /no row is longer than 128 tokens \(student\.maxLength\)/);
  assert.deepEqual([run.counts['truncatedRows'], run.counts['truncatedRowsStudent']], [1, 0]);
});

test('head-tail keeps how a text ends, under a tokenizer digest of its own', async () => {
  const [first, both] = [await prepared({}), await prepared({ teacherLongTexts: 'head-tail' })];
  const tables = await Promise.all(
    [first, both].map((run) => readTokens(folder(run, 'tokens/teacher/train'))),
  );
  const [cut, headTail] = tables.map(({ tokenIds, offsets }) => tokenIds.slice(offsets[3]));
  assert.deepEqual([cut?.length, headTail?.length], [16, 16]);
  // 14 tokens of text, 4 of them (Math.round(3.5)) of its head.
  assert.deepEqual(headTail?.slice(0, 5), cut?.slice(0, 5));
  assert.notDeepEqual(headTail?.slice(5), cut?.slice(5));
  assert.notEqual(tables[0]?.tokenizerDigest, tables[1]?.tokenizerDigest);
  assert.match(both.warnings.join('\n'), /lose what is between head and tail/);
});

test('windows hold all of a text, one row an example', async () => {
  const run = await prepared({ teacherLongTexts: 'windows' });
  const { windowEnds, offsets, truncated, exampleIds } = await readTokens(
    folder(run, 'tokens/teacher/train'),
  );
  assert.equal(exampleIds.length, 4);
  assert.deepEqual([...truncated], [0, 0, 0, 0]);
  const ends = [...(windowEnds?.values ?? [])].slice(windowEnds?.offsets[3]);
  assert.ok(ends.length > 3 && ends.every((end, index) => end === 16 * (index + 1)));
  assert.equal(ends.at(-1), (offsets[4] ?? 0) - (offsets[3] ?? 0));
  assert.equal(run.counts['windows'], ends.length + 5);
  assert.match(run.notes.join('\n'), /1 of 6 rows \(16\.7 %\).* are read in several windows/);
});

test('reject leaves a long row out, with its place and its length', async () => {
  const run = await prepared({ teacherLongTexts: 'reject' });
  assert.deepEqual([run.counts['tooLong'], run.counts['truncatedRows']], [1, 0]);
  assert.equal(run.counts['trainRows'], 3);
  assert.match(run.warnings.join('\n'), /1 of 6 rows \(16\.7 %\) .* are left out/);
  const [reject] = readJsonLines(folder(run, 'rejects'), 'rejects.jsonl');
  assert.deepEqual(
    [reject?.['code'], reject?.['file'], reject?.['line']],
    ['too-long', 'train.jsonl', 4],
  );
  assert.match(String(reject?.['reason']), /^\d+ tokens, and the teacher reads 16/);
  // No text is cut, so the cache of a corpus without the row is the same one.
  const without = await prepared({}, smallCorpus);
  assert.deepEqual(await tokenDigests(run), await tokenDigests(without));
});

test('a corpus without long texts keeps its bytes where long ones would be rejected', async () => {
  const [plain, checked] = [
    await prepareRows(smallCorpus),
    await prepareRows(smallCorpus, { config: { teacherLongTexts: 'reject' } }),
  ];
  assert.deepEqual(await tokenDigests(checked), await tokenDigests(plain));
});

test("the student's vocabulary has the pieces of an end that the teacher does not see", async () => {
  const rows = { ...corpus, train: [...corpus.train, { text: `${long} zebra` }] };
  const [both, first] = [
    await prepared({ studentLongTexts: 'head-tail', studentMaxLength: 16 }, rows),
    await prepared({ studentMaxLength: 16 }, rows),
  ];
  const sizeOf = (run: StageRun) => run.counts['vocabularySize'] ?? 0;
  assert.ok(sizeOf(both) > sizeOf(first));
  const table = await readTokens(folder(both, 'tokens/student/train'));
  assert.equal(
    table.truncated.reduce((sum, flag) => sum + flag, 0),
    2,
  );
});

test('pairs, tasks of words and windows without windows are refused in settings', async () => {
  for (const [config, message] of [
    [{ columns: { textPair: 'other' }, teacherLongTexts: 'windows' }, /textPair/],
    [{ columns: { textPair: 'other' }, studentLongTexts: 'head-tail' }, /textPair/],
    [{ task: 'token-classification', teacherLongTexts: 'reject' }, /each word or token/],
    [{ windowOverlap: 0.5 }, /only teacher\.longTexts: windows/],
  ] as const) {
    await assert.rejects(prepareRows(smallCorpus, { config }), message);
  }
});

async function tokenDigests(run: StageRun): Promise<string[]> {
  const paths = ['teacher', 'student'].flatMap((owner) =>
    SPLITS.map((split) => `${folder(run, `tokens/${owner}/${split}`)}/tokens.parquet`),
  );
  return Promise.all(paths.map(digestFile));
}
