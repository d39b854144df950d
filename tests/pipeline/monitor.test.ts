import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTokenizer } from '#datasets/tokens/tokenizer.ts';
import { driftIn, type MonitorFindings } from '#pipeline/commands/monitor.ts';
import {
  BASELINE_FILE,
  baselineOf,
  observedTokens,
  unknownTokenId,
} from '#stages/students/baseline.ts';
import { openStudent } from '#stages/students/open-student.ts';
import { decant } from '#tests/support/decant-in.ts';
import { failureOf } from '#tests/support/failure.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { setInConfig, teacherAsStudent } from '#tests/support/teacher-as-student.ts';

const texts = readFileSync(join(sampleFolder('mini'), 'unlabelled.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => (JSON.parse(line) as { text: string }).text);

test('predictions on more of the same have not drifted; on other texts they have', async () => {
  const folder = teacherAsStudent();
  await withBaseline(folder, everyOther(texts, 0));
  const same = await predictionsOf(folder, everyOther(texts, 1));
  assert.deepEqual(driftedIn(await driftIn(same, options(folder))), []);
  const shouted = texts.slice(0, 100).map((text) => `§§ ${text} ¶¶ ${text} ‡‡ ${text}`);
  const other = await predictionsOf(folder, shouted);
  const found = await driftIn(other, options(folder));
  assert.equal(found.rows, 100);
  const drifted = driftedIn(found);
  assert.ok(drifted.includes('length') && drifted.includes('unknown'), drifted.join(', '));
});

test('a student without a baseline, and a row that no student wrote, are refused by their place', async () => {
  const folder = teacherAsStudent();
  const file = join(folder, 'predictions.jsonl');
  writeFileSync(
    file,
    '{"label":"card_arrival","confidence":0.5}\n{"label":"card_arival","confidence":1}\n',
  );
  assert.equal((await failureOf(driftIn(file, options(folder)))).code, 'E_BASELINE');
  await withBaseline(folder, texts.slice(0, 20));
  const failure = await failureOf(driftIn(file, options(folder)));
  assert.match(
    failure.message,
    /predictions\.jsonl, line 2: "label" is "card_arival"; .*card_arrival/,
  );
});

test('students of words and of numbers are refused by name, those of several labels are not', async () => {
  for (const [settings, says] of [
    [{ architectures: ['BertForTokenClassification'] }, 'names words'],
    [{ problem_type: 'regression' }, 'gives numbers'],
  ] as const) {
    const folder = teacherAsStudent();
    setInConfig(folder, settings);
    const failure = await failureOf(driftIn('-', options(folder)));
    assert.equal(failure.code, 'E_STUDENT_TASK');
    assert.ok(failure.message.endsWith(`and this student ${says}`), failure.message);
  }
  const folder = teacherAsStudent();
  setInConfig(folder, { problem_type: 'multi_label_classification' });
  const some = texts.slice(0, 20);
  await withBaseline(folder, some);
  const same = await driftIn(await predictionsOf(folder, some), options(folder));
  assert.ok(same.watched.length === 4 && same.watched.every(({ psi }) => psi === 0));
});

test('predictions come through a pipe, and drift ends with 4', async () => {
  const folder = teacherAsStudent();
  await withBaseline(folder, everyOther(texts, 0));
  const [same, other] = [
    everyOther(texts, 1),
    texts.slice(0, 60).map((text) => `§ ${text} ¶ ${text}`),
  ];
  const monitored = (lines: readonly string[], args: readonly string[]) => {
    const predict = ['predict', '--student', folder, '--json'];
    const { stdout } = decant(folder, predict, lines.join('\n'));
    return decant(folder, ['monitor', '-', '--student', folder, ...args], stdout);
  };
  const calm = monitored(same, []);
  assert.equal(calm.status, 0, calm.stderr);
  assert.match(calm.stdout, new RegExp(`^${same.length} predictions against validation`));
  const drifted = monitored(other, ['--json']);
  assert.equal(drifted.status, 4, drifted.stderr);
  const found = JSON.parse(drifted.stdout) as MonitorFindings;
  assert.equal(found.rows, 60);
  assert.ok(driftedIn(found).includes('length'));
  const lax = monitored(other, ['--threshold', '1000']);
  assert.equal(lax.status, 0, 'the threshold decides');
});

test('what is no file of predictions is refused by its line, with what would be right', async () => {
  const folder = teacherAsStudent();
  await withBaseline(folder, texts.slice(0, 20));
  const refused = async (content: string) => {
    const file = join(folder, 'bad.jsonl');
    writeFileSync(file, content);
    return failureOf(driftIn(file, options(folder)));
  };
  for (const [content, problem] of [
    ['', /line 1: there is no prediction/],
    ['{"label":"card_arrival","confidence":1.5}\n', /line 1: "confidence" is 1\.5, not 0 to 1/],
    ['{"label":"card_arrival","confidence":0.5}\n{"label"\n', /line 2: /],
    ['card_arrival\t0.9\ttext\n', /line 1: /],
  ] as const) {
    const { code, message, fix } = await refused(content);
    assert.equal(code, 'E_PREDICTIONS', content);
    assert.match(message, problem);
    assert.match(fix, /predict --json/);
  }
  writeFileSync(join(folder, BASELINE_FILE), '{"formatVersion":2}');
  assert.equal((await refused('')).code, 'E_BASELINE');
});

/** The file is sorted by class. */
function everyOther(some: readonly string[], from: 0 | 1): string[] {
  return some.filter((_, row) => row % 2 === from);
}

const options = (student: string) => ({ student, threshold: 0.2 });

function driftedIn({ watched }: MonitorFindings): string[] {
  return watched.filter(({ drifted }) => drifted).map(({ what }) => what);
}

async function predictionsOf(folder: string, some: readonly string[]): Promise<string> {
  const student = await openStudent(folder, { threads: 1 });
  const predictions = await student.classify(some);
  await student.close();
  const file = join(folder, 'predictions.jsonl');
  const rows = predictions.map(({ label, confidence }, row) => ({
    text: some[row],
    label,
    confidence,
  }));
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}

async function withBaseline(folder: string, some: readonly string[]): Promise<void> {
  const student = await openStudent(folder, { threads: 1 });
  const predictions = await student.classify(some);
  await student.close();
  const tokenizer = await openTokenizer(join(folder, 'tokenizer.json'), 64);
  const encoded = await tokenizer.encode(some.map((text) => ({ text, textPair: null })));
  const unknownId = await unknownTokenId(folder);
  const observed = predictions.map(({ label, confidence }, row) => ({
    label,
    confidence,
    ...observedTokens(encoded[row]?.ids ?? [], unknownId),
  }));
  const baseline = baselineOf(observed, student.classNames);
  writeFileSync(join(folder, BASELINE_FILE), JSON.stringify(baseline));
}
