import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { digestFile, listFiles } from '#cache/digest.ts';
import { readClasses } from '#datasets/classes.ts';
import { SPLITS } from '#datasets/example.ts';
import { exampleIdOf } from '#datasets/example-id.ts';
import { readExamples } from '#datasets/examples.ts';
import { readLabels } from '#datasets/labels.ts';
import { readTokens, type TokenTable } from '#datasets/tokens/tokens.ts';
import { prepare } from '#stages/prepare/index.ts';
import { corpusFile } from '#tests/support/corpus-file.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import {
  prepareRows,
  readJsonLines,
  sampleFiles,
  smallCorpus,
  teacherFilesOf,
} from '#tests/support/prepare-run.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

let sample: StageRun;

before(async () => {
  sample = await runStage(prepare, { files: sampleFiles('mini') });
});

function folder(run: StageRun, name: string): string {
  return run.outputs[name] ?? assert.fail(`no output ${name}`);
}

function idsOf(table: TokenTable, row: number): number[] {
  return [...table.tokenIds.subarray(table.offsets[row], table.offsets[row + 1])];
}

test('the sample gives its rows, in the order of the files', async () => {
  assert.deepEqual(
    SPLITS.map((split) => sample.counts[`${split}Rows`]),
    [710, 116, 240],
  );
  assert.equal(sample.counts['labelledRows'], 120);
  for (const name of ['duplicates', 'conflicts', 'leaks', 'rejects', 'truncatedRows']) {
    assert.equal(sample.counts[name], 0, name);
  }
  const train = await readExamples(folder(sample, 'inputs/train'));
  assert.deepEqual([train[0]?.sourceId, train[120]?.sourceId], ['ba-la-00001', 'ba-un-00002']);
  assert.ok(
    train.every((one) => one.split === 'train' && one.exampleId === exampleIdOf(one.text ?? '')),
  );
  const labels = await readLabels(folder(sample, 'labels/train'));
  assert.equal(labels.length, 120);
  assert.deepEqual(
    labels.map((label) => label.exampleId),
    train.slice(0, 120).map((one) => one.exampleId),
  );
});

test('classes are those of the teacher, and labels carry their ids', async () => {
  const names: string[] = Object.values(
    JSON.parse(readFileSync(join(sampleFolder('mini'), 'teacher', 'config.json'), 'utf8')).id2label,
  );
  assert.deepEqual(await readClasses(folder(sample, 'classes')), names);
  for (const split of SPLITS) {
    const labels = await readLabels(folder(sample, `labels/${split}`));
    assert.ok(labels.every((one) => one.label === names[one.labelId] && one.weight === 1));
  }
});

test('the token ids of the test split are those of reference.json', async () => {
  const rows: { text: string; input_ids: number[] }[] = JSON.parse(
    readFileSync(join(sampleFolder('mini'), 'reference.json'), 'utf8'),
  );
  const table = await readTokens(folder(sample, 'tokens/teacher/test'));
  const place = new Map(table.exampleIds.map((id, row) => [id, row]));
  for (const { text, input_ids } of rows) {
    assert.deepEqual(idsOf(table, place.get(exampleIdOf(text)) ?? -1), input_ids);
  }
  assert.ok(rows.length >= 24);
  assert.equal(table.typeIds, null);
  assert.equal(table.maxLength, 128);
  const path = join(sampleFolder('mini'), 'teacher', 'tokenizer.json');
  assert.equal(table.tokenizerDigest, await digestFile(path));
});

test('pairs are tokenised together and keep their type ids', async () => {
  const content = (rows: string[]) => `text,second,label\n${rows.join('\n')}\n`;
  const place = temporaryFolder();
  const files = {
    train: [
      corpusFile(place, 'train.csv', content(['my card,top up,card_arrival', 'my card,exchange,'])),
    ],
    validation: [corpusFile(place, 'validation.csv', content(['a,b,card_arrival']))],
    test: [corpusFile(place, 'test.csv', content(['c,d,card_arrival']))],
    ...teacherFilesOf('mini'),
  };
  const run = await runStage(prepare, { files, config: { columns: { textPair: 'second' } } });
  const examples = await readExamples(folder(run, 'inputs/train'));
  assert.deepEqual(
    examples.map(({ text, textPair }) => [text, textPair]),
    [
      ['my card', 'top up'],
      ['my card', 'exchange'],
    ],
  );
  const table = await readTokens(folder(run, 'tokens/student/train'));
  assert.equal(table.typeIds?.length, table.tokenIds.length);
  assert.ok(table.typeIds?.includes(1));
});

test('two runs and two machines give the same bytes', async () => {
  const place = temporaryFolder();
  const files = Object.fromEntries(
    Object.entries(sampleFiles('mini')).map(([name, paths]) => [
      name,
      paths.map((path) => copied(place, path)),
    ]),
  );
  const again = await runStage(prepare, { files });
  for (const [name, path] of Object.entries(sample.outputs)) {
    for (const file of await listFiles(path)) {
      assert.deepEqual(
        readFileSync(join(folder(again, name), file)),
        readFileSync(join(path, file)),
        `${name}/${file}`,
      );
    }
  }
});

test('what an interrupted run left behind does not matter', async () => {
  const place = temporaryFolder();
  const abort = new AbortController();
  const stopAtStudent = runStage(prepare, {
    files: sampleFiles('mini'),
    folder: place,
    signal: abort.signal,
    onEvent: (event) => {
      if (event.type === 'progress' && event.detail?.startsWith('student'))
        abort.abort(new Error('stopped'));
    },
  });
  await assert.rejects(stopAtStudent, /stopped/);
  const run = await runStage(prepare, { files: sampleFiles('mini'), folder: place });
  for (const [name, path] of Object.entries(run.outputs)) {
    assert.deepEqual(readdirSync(path).sort(), readdirSync(folder(sample, name)).sort());
  }
});

test('leaks, duplicates and bad rows are counted, told and written down', async () => {
  const train = [
    ...smallCorpus.train,
    { text: 'Where is my card?' },
    { text: 'has my card been SENT' },
    { text: 'My card is still not here!', label: 'card_arrival' },
    { text: '' },
  ];
  const validation = [
    ...(smallCorpus.validation ?? []),
    { text: 'my card is still not here', label: 'card_arrival' },
  ];
  const run = await prepareRows(
    { ...smallCorpus, train, validation },
    { config: { maxRejects: 0.2 } },
  );
  const { trainRows, validationRows, testRows, duplicates, leaks, rejects } = run.counts;
  assert.deepEqual(
    { trainRows, validationRows, testRows, duplicates, leaks, rejects },
    {
      trainRows: 3,
      validationRows: 1,
      testRows: 1,
      duplicates: 1,
      leaks: 3,
      rejects: 1,
    },
  );
  const lines = readJsonLines(folder(run, 'rejects'), 'rejects.jsonl');
  assert.deepEqual(
    lines.map(({ file, line, column, code }) => [file, line, column, code]),
    [
      ['train.jsonl', 7, 'text', 'empty-value'],
      ['train.jsonl', 5, null, 'leak'],
      ['train.jsonl', 6, null, 'leak'],
      ['validation.jsonl', 2, null, 'leak'],
    ],
  );
  const summary = JSON.parse(readFileSync(join(folder(run, 'rejects'), 'summary.json'), 'utf8'));
  assert.deepEqual(summary, { formatVersion: 1, total: 4, counts: { 'empty-value': 1, leak: 3 } });
  assert.match(run.warnings.join('\n'), /unreadable rows left out: 1 \(1 empty-value/);
  const [first] = await readExamples(folder(run, 'inputs/train'));
  assert.equal(first?.weight, 2);
});

test('classes that the corpus never uses are a note', async () => {
  const run = await prepareRows(smallCorpus);
  assert.match(
    run.notes.join('\n'),
    /no row of the corpus has 10 of 12 classes of the teacher: card_delivery_estimate/,
  );
});

test('a corpus without validation files is cut by the fraction', async () => {
  const { validation: _, ...files } = sampleFiles('mini');
  const run = await runStage(prepare, { files, config: { validationFraction: 0.25 } });
  const { trainRows = 0, validationRows = 0, labelledRows = 0, leaks } = run.counts;
  assert.equal(trainRows + validationRows, 710);
  assert.equal(labelledRows + validationRows, 120);
  assert.ok(validationRows > 15 && validationRows < 45, String(validationRows));
  assert.equal(leaks, 0);
});

test('splits without any label warn that accuracy cannot be measured', async () => {
  const bare = [{ text: 'has my card been sent' }];
  const run = await prepareRows({ ...smallCorpus, validation: bare });
  assert.match(run.warnings.join('\n'), /no validation row has a label/);
});

function copied(place: string, path: string): string {
  const copy = join(place, path.split('/').at(-1) ?? '');
  copyFileSync(path, copy);
  return copy;
}
