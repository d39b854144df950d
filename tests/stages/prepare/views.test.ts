import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestFile, digestOf, listFiles } from '#cache/digest.ts';
import { exampleIdOf, leakKeyOf } from '#datasets/example-id.ts';
import { readExamples } from '#datasets/examples.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { addTombstones } from '#datasets/tombstones.ts';
import { readViews } from '#datasets/views.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { prepare } from '#stages/prepare/index.ts';
import { augmentText } from '#stages/texts/augment-text.ts';
import { prepareRows, sampleFiles, smallCorpus } from '#tests/support/prepare-run.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const augmentations = [{ dropWords: 0.1 }, { swapWords: 0.1, swapLetters: 0.1 }];

function folder(run: StageRun, name: string): string {
  return run.outputs[name] ?? assert.fail(`no output ${name}`);
}

const word = fc.stringMatching(/^[a-zé😀]{1,6}$/u);
const texts = fc.array(word, { minLength: 2, maxLength: 20 });

test('property: dropped words leave the others in their order, at least one of them', () => {
  fc.assert(
    fc.property(
      texts,
      fc.integer(),
      fc.double({ min: 0.05, max: 0.5, noNaN: true }),
      (words, seed, share) => {
        const dropped = augmentText(words.join(' '), { dropWords: share }, randomFor(seed, 'v'));
        const left = dropped.split(' ');
        assert.equal(left.length, words.length - Math.max(1, Math.round(share * words.length)));
        let from = 0;
        for (const one of left) from = words.indexOf(one, from) + 1;
        assert.ok(left.length > 0 && from > 0);
      },
    ),
  );
});

test('property: swapped words and letters are the same ones in another order', () => {
  const sorted = (text: string) => Array.from(text.replaceAll(' ', '')).toSorted().join('');
  fc.assert(
    fc.property(texts, fc.integer(), (words, seed) => {
      const text = words.join(' ');
      const swapped = augmentText(text, { swapWords: 0.2 }, randomFor(seed, 'v'));
      assert.deepEqual(swapped.split(' ').toSorted(), words.toSorted());
      const misspelt = augmentText(text, { swapLetters: 0.2 }, randomFor(seed, 'v'));
      assert.equal(sorted(misspelt), sorted(text));
      assert.equal(misspelt.split(' ').length, words.length);
    }),
  );
});

test('a combining mark stays with its letter', () => {
  const text = 'e\u0301a';
  const swapped = augmentText(text, { swapLetters: 0.1 }, () => 0);
  assert.equal(swapped, 'ae\u0301');
});

test('views are other texts of the train rows, tokenised for teacher and student', async () => {
  const run = await runStage(prepare, { files: sampleFiles('mini'), config: { augmentations } });
  const train = await readExamples(folder(run, 'inputs/train'));
  const examples = await readExamples(folder(run, 'inputs/views'));
  const views = await readViews(folder(run, 'inputs/views'));
  const byId = new Map([...train, ...examples].map((one) => [one.exampleId, one]));
  assert.equal(run.counts['views'], examples.length);
  assert.ok(views.length > 1.9 * train.length && views.length <= 2 * train.length);
  for (const { exampleId, of, view } of views) {
    const [made, original] = [byId.get(exampleId), byId.get(of)];
    assert.ok(made !== undefined && original !== undefined && [1, 2].includes(view));
    assert.equal(exampleId, exampleIdOf(made.text ?? ''));
    assert.notEqual(leakKeyOf(made.text ?? ''), leakKeyOf(original.text ?? ''));
    assert.ok(!train.some((row) => row.exampleId === exampleId));
  }
  for (const owner of ['teacher', 'student']) {
    const table = await readTokens(folder(run, `tokens/${owner}/views`));
    assert.deepEqual(
      table.exampleIds,
      examples.map((one) => one.exampleId),
    );
  }
  const unknown = (await readTokens(folder(run, 'tokens/student/views'))).tokenIds.indexOf(1);
  assert.equal(unknown, -1);
});

test('a view depends on its row and number alone: rows and augmentations may be added', async () => {
  const more = {
    ...smallCorpus,
    train: [{ text: 'a new row of six words' }, ...smallCorpus.train],
  };
  const textsOf = async (rows: typeof smallCorpus, config: object) => {
    const run = await prepareRows(rows, { config });
    return (await readExamples(folder(run, 'inputs/views'))).map(({ text }) => text);
  };
  const before = await textsOf(smallCorpus, { augmentations });
  const grown = await textsOf(more, { augmentations: [...augmentations, { dropWords: 0.4 }] });
  assert.ok(before.every((text) => grown.includes(text)));
  assert.ok(grown.length > before.length);
  const other = await textsOf(smallCorpus, { augmentations, seed: 2 });
  assert.notDeepEqual(other, before);
});

test('a view that validation or test has is left out and counted, and so is one of a train row', async () => {
  const rows = {
    train: [
      { text: 'one two' },
      { text: 'three four' },
      { text: 'two one', label: 'card_arrival' },
    ],
    validation: [{ text: 'Four, three!', label: 'card_arrival' }],
    test: [{ text: 'five', label: 'card_arrival' }],
  };
  const run = await prepareRows(rows, { config: { augmentations: [{ swapWords: 0.1 }] } });
  assert.deepEqual([run.counts['views'], run.counts['viewLeaks']], [0, 1]);
  assert.match(run.notes.join('\n'), /0 texts are views.*2 that are train rows, 1 that validation/);
});

test('no text of a view is stored where none is to be, and a forgotten text does not come back', async () => {
  const config = { augmentations, storeTexts: false };
  const run = await prepareRows(smallCorpus, { config });
  const examples = await readExamples(folder(run, 'inputs/views'));
  assert.ok(examples.length > 0 && examples.every(({ text }) => text === null));
  const [first] = examples;
  const path = join(temporaryFolder(), 'tombstones.json');
  await addTombstones(path, [{ exampleId: first?.exampleId ?? '', leakKey: null }]);
  const again = await prepareRows(smallCorpus, { config, files: { tombstones: [path] } });
  const ids = (await readExamples(folder(again, 'inputs/views'))).map(({ exampleId }) => exampleId);
  assert.deepEqual(
    ids,
    examples.slice(1).map(({ exampleId }) => exampleId),
  );
});

test('without augmentations nothing is written for views, and nothing else changes', async () => {
  const [plain, viewed] = [
    await prepareRows(smallCorpus),
    await prepareRows(smallCorpus, { config: { augmentations } }),
  ];
  for (const name of ['inputs/views', 'tokens/teacher/views', 'tokens/student/views']) {
    assert.deepEqual(readdirSync(folder(plain, name)), []);
  }
  for (const name of ['inputs/train', 'labels/train', 'tokens/teacher/train', 'inputs/test']) {
    const digests = async (run: StageRun) => {
      const files = await listFiles(folder(run, name));
      return digestOf(
        (await Promise.all(files.map((file) => digestFile(join(folder(run, name), file))))).join(),
      );
    };
    assert.equal(await digests(viewed), await digests(plain), name);
  }
  assert.ok(existsSync(join(folder(viewed, 'inputs/views'), 'views.parquet')));
});

test('an augmentation that does nothing, or a task that it would break, is refused', async () => {
  for (const [config, message] of [
    [{ augmentations: [{}] }, /name what is done/],
    [{ augmentations: [{ dropWords: 0.9 }] }, /dropWords/],
    [{ augmentations, task: 'causal-lm' }, /leave no answer for each word/],
  ] as const) {
    await assert.rejects(prepareRows(smallCorpus, { config }), message);
  }
});
