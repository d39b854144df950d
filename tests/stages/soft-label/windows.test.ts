import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asEarlier,
  corpusOf,
  idOf,
  type RowNumber,
  rowsOf,
  runSoftLabel,
  teacherWeights,
  tokensOf,
  VOCABULARY,
  writeCorpus,
  writeTeacher,
} from '#tests/stages/soft-label/small-run.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const corpus = corpusOf(30);

/** A row has one window, or two of half its tokens. */
function windowsOf(row: RowNumber): number[] {
  const { length } = tokensOf(row);
  const half = Math.floor(length / 2);
  return half < 3 ? [length] : [half, length - half];
}

function windowTokens(row: RowNumber): number[][] {
  const [first = 0] = windowsOf(row);
  const tokens = tokensOf(row);
  return [tokens.slice(0, first), tokens.slice(first)].filter(({ length }) => length > 0);
}

const files = { model: [writeTeacher()] };

async function run(options: Parameters<typeof runSoftLabel>[0] = {}) {
  const inputs = await writeCorpus(corpus, { windows: windowsOf });
  return runSoftLabel({ inputs, files, ...options });
}

test('every window is a row of its own, with the numbers of its tokens alone', async () => {
  const { meta, rows } = await rowsOf(await run({ config: { keep: 'all' } }), 'train');
  assert.deepEqual([meta.perWindow, meta.perToken], [true, undefined]);
  const windows = corpus.train.flatMap((row) =>
    windowTokens(row).map((tokens, index) => ({ row, tokens, index })),
  );
  assert.ok(windows.length > corpus.train.length);
  assert.deepEqual(
    rows.exampleIds.map((id, row) => [id, rows.positions?.[row]]),
    windows.map(({ row, index }) => [idOf(row), index]),
  );
  const single = { train: [...windows.keys()], validation: [5000], test: [6000] };
  const inputs = await writeCorpus(single, { tokens: (row) => windows[row]?.tokens ?? [1] });
  const alone = await runSoftLabel({ inputs, files, config: { keep: 'all' } });
  assert.deepEqual(rows.logits, (await rowsOf(alone, 'train')).rows.logits);
});

test('windows of an example share a file, and only those of new examples are asked for', async () => {
  const config = { shardRows: 7 };
  const smaller = await writeCorpus(corpusOf(20), { windows: windowsOf });
  const earlier = await runSoftLabel({ inputs: smaller, files, config });
  const grown = await run({ config, earlier: [asEarlier(earlier, { ...config })] });
  const newWindows = corpus.train.slice(20).flatMap(windowsOf).length;
  assert.equal(grown.counts['teacherRows'], newWindows);
  const fresh = await run({ config });
  const { rows, shards } = await rowsOf(grown, 'train');
  assert.deepEqual(rows, (await rowsOf(fresh, 'train')).rows);
  assert.equal(shards.length, Math.ceil(corpus.train.length / 7));
});

test('finished files of an interrupted run are kept', async () => {
  const folder = temporaryFolder();
  await run({ folder, config: { shardRows: 8 } });
  const again = await run({ folder, config: { shardRows: 8 } });
  assert.equal(again.counts['teacherRows'], 0);
});

test('a text with one bad window is left out whole', async () => {
  const isLong = (row: RowNumber) => windowsOf(row).length === 2;
  const bad = corpus.train.find((row) => row > 3 && isLong(row)) ?? 0;
  const weights = teacherWeights();
  const token = VOCABULARY - 1;
  weights[token * 6] = Number.NaN;
  const inputs = await writeCorpus(corpusOf(1500), {
    windows: windowsOf,
    tokens: (row) => tokensOf(row).map((own, index) => (row === bad && index === 0 ? token : own)),
  });
  const done = await runSoftLabel({ inputs, files: { model: [writeTeacher({ weights })] } });
  assert.equal(done.counts['quarantined'], 1);
  assert.ok(!(await rowsOf(done, 'train')).rows.exampleIds.includes(idOf(bad)));
});
