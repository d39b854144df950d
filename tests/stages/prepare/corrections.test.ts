import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleIdOf, leakKeyOf } from '#datasets/example-id.ts';
import { readExamples } from '#datasets/examples.ts';
import { readLabels } from '#datasets/labels.ts';
import { addTombstones } from '#datasets/tombstones.ts';
import { corpusFile, jsonLines } from '#tests/support/corpus-file.ts';
import { failingWith } from '#tests/support/failure.ts';
import { prepareRows, readJsonLines, smallCorpus } from '#tests/support/prepare-run.ts';
import type { StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const declined = 'why was my payment declined';
const topUp = 'my top up failed';

function outputOf(run: StageRun, name: string): string {
  return run.outputs[name] ?? assert.fail(`no output ${name}`);
}

function corrections(rows: readonly (readonly [text: string, label: string])[]): string {
  const lines = rows.map(([text, label]) => `${exampleIdOf(text)},"${text}",${label}`);
  const content = ['example_id,text,corrected_label', ...lines, ''].join('\n');
  return corpusFile(temporaryFolder(), 'corrected.csv', content);
}

async function labelsOf(run: StageRun, split = 'train'): Promise<Record<string, string>> {
  const rows = await readLabels(outputOf(run, `labels/${split}`));
  return Object.fromEntries(rows.map(({ exampleId, label }) => [exampleId, label]));
}

test('a corrected label replaces the one of the corpus, also where it had none', async () => {
  const path = corrections([
    [declined, 'pending_card_payment'],
    [topUp, 'top_up_failed'],
    ['my card is still not here', ''],
  ]);
  const run = await prepareRows(smallCorpus, { files: { corrections: [path] } });
  const labels = await labelsOf(run);
  assert.equal(labels[exampleIdOf(declined)], 'pending_card_payment');
  assert.equal(labels[exampleIdOf(topUp)], 'top_up_failed');
  assert.equal(run.counts['corrected'], 2);
  assert.ok(
    run.notes.includes(
      'labels corrected by corrected.csv: 2; 1 of its rows have no corrected_label',
    ),
  );
});

test('inputs and tokens stay byte for byte as they were', async () => {
  const [before, after] = [
    await prepareRows(smallCorpus),
    await prepareRows(smallCorpus, {
      files: { corrections: [corrections([[declined, 'pending_card_payment']])] },
    }),
  ];
  for (const name of ['inputs/train', 'labels/test']) {
    assert.deepEqual(
      await readExamplesOrLabels(after, name),
      await readExamplesOrLabels(before, name),
    );
  }
  assert.notDeepEqual(await labelsOf(before), await labelsOf(after));
});

async function readExamplesOrLabels(run: StageRun, name: string): Promise<readonly unknown[]> {
  const folder = outputOf(run, name);
  return name.startsWith('inputs') ? readExamples(folder) : readLabels(folder);
}

test('a correction outvotes near-equal rows that nobody corrected', async () => {
  const train = [
    ...smallCorpus.train,
    { text: 'Why was my payment declined?', label: 'declined_card_payment' },
    { text: 'why was my payment DECLINED', label: 'declined_card_payment' },
  ];
  const run = await prepareRows(
    { ...smallCorpus, train },
    { files: { corrections: [corrections([[declined, 'pending_card_payment']])] } },
  );
  assert.equal((await labelsOf(run))[exampleIdOf(declined)], 'pending_card_payment');
});

test('an unknown example, an unknown class and two opinions name their row', async () => {
  const cases: readonly (readonly [
    rows: readonly (readonly [string, string])[],
    says: readonly string[],
  ])[] = [
    [
      [['a text of nobody', 'card_arrival']],
      ['corrected.csv line 2', exampleIdOf('a text of nobody')],
    ],
    [[[declined, 'card_arival']], ['line 2', '"card_arival"', 'nearest class "card_arrival"']],
    [
      [
        [declined, 'card_arrival'],
        [declined, 'top_up_failed'],
      ],
      ['line 3', '"top_up_failed"', '"card_arrival" in corrected.csv line 2'],
    ],
  ];
  for (const [rows, says] of cases) {
    const files = { corrections: [corrections(rows)] };
    await assert.rejects(prepareRows(smallCorpus, { files }), failingWith('E_CORRECTION', ...says));
  }
  const path = corpusFile(temporaryFolder(), 'other.csv', 'id,label\n1,card_arrival\n');
  await assert.rejects(
    prepareRows(smallCorpus, { files: { corrections: [path] } }),
    failingWith('E_CORRECTION', 'other.csv line 2', '"example_id"', 'id, label'),
  );
});

test('JSON lines may leave the label out', async () => {
  const rows = [
    { example_id: exampleIdOf(declined), corrected_label: 'pending_card_payment' },
    { example_id: exampleIdOf(topUp), corrected_label: null },
  ];
  const path = corpusFile(temporaryFolder(), 'corrected.jsonl', jsonLines(rows));
  const run = await prepareRows(smallCorpus, { files: { corrections: [path] } });
  assert.equal(run.counts['corrected'], 1);
});

test('a forgotten row is dropped and counted, and so is what was said about its label', async () => {
  const tombstones = `${temporaryFolder()}/tombstones.json`;
  await addTombstones(tombstones, [
    { exampleId: exampleIdOf(declined), leakKey: leakKeyOf(declined) },
  ]);
  const run = await prepareRows(smallCorpus, {
    files: {
      tombstones: [tombstones],
      corrections: [corrections([[declined, 'pending_card_payment']])],
    },
  });
  assert.equal(run.counts['forgotten'], 1);
  assert.equal(run.counts['trainRows'], 2);
  assert.equal(run.counts['corrected'], 0);
  const examples = await readExamples(outputOf(run, 'inputs/train'));
  assert.ok(examples.every(({ text }) => text !== declined));
});

test('where texts are not to be stored, neither examples nor rejects hold one', async () => {
  const leak = { text: 'My card is still not here!', label: 'card_arrival' };
  const corpus = { ...smallCorpus, train: [...smallCorpus.train, leak] };
  const bad = corpusFile(temporaryFolder(), 'bad.jsonl', 'a secret that is no JSON\n');
  const config = { storeTexts: false, maxRejects: 1 };
  const [run, usual] = [await prepareRows(corpus, { config }), await prepareRows(corpus)];
  const [hidden, shown] = [
    await readExamples(outputOf(run, 'inputs/train')),
    await readExamples(outputOf(usual, 'inputs/train')),
  ];
  assert.deepEqual(
    hidden,
    shown.map((example) => ({ ...example, text: null })),
  );
  const rejects = readJsonLines(outputOf(run, 'rejects'), 'rejects.jsonl');
  assert.deepEqual(
    rejects.map(({ code, excerpt }) => [code, excerpt]),
    [['leak', '']],
  );
  const files = { validation: [bad] };
  const withBad = await prepareRows(
    { ...smallCorpus, test: [...smallCorpus.test] },
    { config, files: { ...files } },
  ).catch((error: unknown) => error);
  assert.ok(!String(withBad).includes('secret'), String(withBad));
});
