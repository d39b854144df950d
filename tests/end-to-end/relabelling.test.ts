import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { parse as parseCsv } from 'csv-parse/sync';
import { type HardLabel, readHardLabels } from '#datasets/hard-labels.ts';
import type { Outcome } from '#pipeline/outcome.ts';
import { type MiniProject, miniProject } from '#tests/support/mini-project.ts';

interface Row {
  readonly id: string;
  readonly text: string;
  readonly label: string;
}

/** Every sixth label is that of the next class. */
function flipped(clean: readonly Row[]): Row[] {
  const classNames = [...new Set(clean.map(({ label }) => label))];
  const next = (label: string) => classNames[(classNames.indexOf(label) + 1) % classNames.length];
  return clean.map((row, at) => (at % 6 === 0 ? { ...row, label: next(row.label) ?? '' } : row));
}

describe('policies that change gold labels, through the command line', () => {
  let project: MiniProject;
  let file: string;
  let clean: readonly Row[];
  let outcome: Outcome;

  before(async () => {
    const student = { architecture: 'bag', steps: 100, evaluateEvery: 100, learningRate: 0.02 };
    project = miniProject({
      student,
      variants: { distilled: {}, relabelled: { labels: 'hard-relabel', hardLossWeight: 0.5 } },
      'hard-relabel': {
        student: 'distilled',
        policy: 'label-odds',
        folds: 2,
        control: true,
        minConfidence: 0.8,
      },
    });
    clean = parseCsv(readFileSync(project.path('labelled.csv')), { columns: true }) as Row[];
    const lines = flipped(clean).map((row) => `${row.id},${JSON.stringify(row.text)},${row.label}`);
    file = `id,text,label\n${lines.join('\n').replaceAll('\\"', '""')}\n`;
    writeFileSync(project.path('labelled.csv'), file);
    const run = await project.decant('run', '--json');
    assert.equal(run.code, 0, run.stderr);
    outcome = JSON.parse(run.stdout) as Outcome;
  });

  for (const policy of ['label-odds', 'confident-learning', 'teacher-confident']) {
    test(`${policy} says of each label what it was, who spoke against it and how surely`, async () => {
      const run = await project.decant(
        'run',
        '--to',
        'hard-relabel',
        '--set',
        `hard-relabel.policy=${policy}`,
      );
      assert.equal(run.code, 0, run.stderr);
      const labels = await newestLabels();
      const [changed, filled] = [
        labels.filter(({ oldLabel }) => oldLabel !== null),
        labels.filter(({ oldLabel }) => oldLabel === null),
      ];
      assert.ok(changed.length >= 5 && filled.length > 100, `${changed.length} ${filled.length}`);
      for (const one of changed) {
        assert.notEqual(one.newLabel, one.oldLabel);
        assert.ok(one.fold === 1 || one.fold === 2, 'a student that had not seen the row');
        assert.ok(one.confidence !== null && one.confidence >= 0 && one.confidence <= 1);
      }
      for (const { split, reason, teacherConfidence, studentConfidence } of labels) {
        assert.equal(split, 'train');
        assert.match(reason, /^[a-z-]+$/);
        assert.ok(teacherConfidence > 0 && teacherConfidence <= 1);
        assert.ok(studentConfidence >= 0 && studentConfidence <= 1);
      }
      // The teacher saw the clean labels: what is changed is nearly always what was flipped.
      const right = changed.filter(({ oldLabel, newLabel }) => isRestored(oldLabel, newLabel));
      assert.ok(right.length >= 0.8 * changed.length, `${right.length} of ${changed.length}`);
    });
  }

  test('the corpus keeps its labels, in its file and in the store', async () => {
    assert.equal(readFileSync(project.path('labelled.csv'), 'utf8'), file);
    assert.equal(readdirSync(project.path('.decant/artifacts/prepare')).length, 1);
  });

  test('controls are students like any other, and the report says what relabelling brought', () => {
    assert.deepEqual(
      outcome.models.map(({ name }) => name),
      ['teacher', 'distilled', 'relabelled', 'relabelled.random', 'relabelled.unchanged'],
    );
    const report = readFileSync(outcome.report ?? '', 'utf8').replaceAll('\u202F', ' ');
    const section = report.slice(report.indexOf('<h2>Relabelling</h2>'));
    assert.match(
      section,
      /Of 120 gold labels \d+ \([\d.]+ %\) were changed, each on the word of one of 2/,
    );
    assert.match(section, /Whether it helped: relabelled is right on [\d.]+ % of the test rows/);
    assert.match(section, /Relabelling brought [+-][\d.]+ points/);
    assert.match(section, /gold label changed \d/);
    assert.match(section, /<th scope="col">Old label<\/th>/);
  });

  async function newestLabels(): Promise<HardLabel[]> {
    const last = JSON.parse(readFileSync(project.path('.decant/last-run.json'), 'utf8')) as LastRun;
    const { fingerprint } = last.stages['hard-relabel']?.result ?? assert.fail('not run');
    return readHardLabels(
      project.path('.decant/artifacts/hard-relabel', fingerprint.slice(0, 16), 'hard-labels'),
    );
  }

  /** Was this change the way back from the next class? */
  function isRestored(oldLabel: string | null, newLabel: string): boolean {
    return flipped(clean).some(
      (row, at) => row.label === oldLabel && clean[at]?.label === newLabel && row !== clean[at],
    );
  }
});

interface LastRun {
  readonly stages: Readonly<Record<string, { readonly result: { readonly fingerprint: string } }>>;
}
