import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTokenizer } from '#datasets/tokenizer.ts';
import { driftIn, type MonitorFindings } from '#pipeline/commands/monitor.ts';
import {
  BASELINE_FILE,
  baselineOf,
  observedTokens,
  unknownTokenId,
} from '#stages/students/baseline.ts';
import { openStudent } from '#stages/students/open-student.ts';
import { failureOf } from '#tests/support/failure.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { teacherAsStudent } from '#tests/support/teacher-as-student.ts';

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
