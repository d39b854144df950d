import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { checkpointOnnx } from '#stages/students/checkpoint.ts';
import { succeed } from '#tests/support/cli-result.ts';
import { finished } from '#tests/support/exported-students.ts';
import { lastRun } from '#tests/support/last-run.ts';
import { type MiniProject, miniProject } from '#tests/support/mini-project.ts';
import { decantProgram } from '#tests/support/paths.ts';

const everything = [
  'prepare',
  'soft-label',
  'train-student:gold-only',
  'train-student:distilled',
  'hard-relabel',
  'train-student:relabelled',
  'evaluate:teacher',
  'evaluate:gold-only',
  'evaluate:distilled',
  'evaluate:relabelled',
  'export-student:distilled',
  'report',
];

/** Names of the stages that the last run made, in the order of the pipeline. */
function made(project: MiniProject): string[] {
  const { stages } = lastRun(project);
  return everything.filter((name) => stages[name]?.status === 'done');
}

function counts(project: MiniProject, stage: string): Readonly<Record<string, number>> {
  return lastRun(project).stages[stage]?.result?.counts ?? {};
}

/** Runs a command line as a person pastes it, with this checkout's decant. */
function paste(project: MiniProject, line: string): string {
  const decant = `'${process.execPath}' '${decantProgram}'`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', line.replace('npx decant', decant)], {
    cwd: project.folder,
    encoding: 'utf8',
  });
  assert.equal(status, 0, `${line}\n${stderr}`);
  return stdout;
}

describe('the pipeline on the mini sample, step by step', () => {
  let project: MiniProject;
  before(() => {
    project = miniProject();
  });

  test('a first run makes everything and says where it is', async () => {
    const said = await succeed(project, 'run');
    assert.deepEqual(made(project).toSorted(), everything.toSorted());
    for (const name of ['teacher', 'gold-only', 'distilled', 'relabelled']) {
      assert.match(said, new RegExp(`^${name} .*%.*%.*MB|^${name} .*%.*kB`, 'm'));
    }
    const report = /^report +'?(.+?)'?$/m.exec(said)?.[1] ?? '';
    assert.ok(existsSync(project.path(report)), report);
    assert.equal(counts(project, 'soft-label')['teacherRows'], 1066);
  });

  test('the exported student can be taken in as a checkpoint, and gives the same ONNX file', async () => {
    const student = finished(project).artifact('export-student:distilled', 'student');
    const exported = readFileSync(join(student, 'onnx', 'model.onnx'));
    assert.ok(exported.equals(await checkpointOnnx(student)));
  });

  test('the same command again makes nothing', async () => {
    await succeed(project, 'run');
    assert.deepEqual(made(project), []);
    await succeed(project, 'status', '--check');
  });

  test('the commands that the run proposes work when pasted', async () => {
    const said = await succeed(project, 'run');
    const [predict = '', sql = '', status = ''] = said.trimEnd().split('\n').slice(-3);
    assert.match(
      paste(project, predict),
      /^card_arrival\t0\.\d+\tMy new card has still not arrived$/m,
    );
    assert.match(paste(project, sql), /teacher_says/);
    assert.match(paste(project, status), /soft-label +fresh/);
  });

  test('after a change of temperature only what depends on it runs', async () => {
    await succeed(project, 'run', '--set', 'variants.distilled.temperature=1');
    assert.deepEqual(made(project), [
      'train-student:distilled',
      'hard-relabel',
      'train-student:relabelled',
      'evaluate:distilled',
      'evaluate:relabelled',
      'export-student:distilled',
      'report',
    ]);
  });

  test('after a label is corrected no row meets the teacher', async () => {
    const file = project.path('labelled.csv');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/,card_arrival$/m, ',card_delivery_estimate'));
    await succeed(project, 'run');
    assert.ok(!made(project).includes('soft-label'));
    assert.ok(made(project).includes('train-student:gold-only'));
    writeFileSync(file, text);
  });

  test('after rows are appended exactly these meet the teacher', async () => {
    const rows = Array.from({ length: 20 }, (_, row) =>
      JSON.stringify({ id: `new-${row}`, text: `My top up number ${row} is still missing` }),
    );
    appendFileSync(project.path('unlabelled.jsonl'), `${rows.join('\n')}\n`);
    await succeed(project, 'run', '--to', 'soft-label');
    assert.deepEqual(made(project), ['prepare', 'soft-label']);
    const { teacherRows, rowsReused, rowsNew } = counts(project, 'soft-label');
    assert.deepEqual(
      { teacherRows, rowsReused, rowsNew },
      { teacherRows: 20, rowsReused: 1066, rowsNew: 20 },
    );
  });

  test('a stage whose inputs are stale is refused by name', async () => {
    const { code, stderr } = await project.decant('run', 'report');
    assert.equal(code, 2);
    assert.match(stderr, /report needs .*E_STALE_INPUT/s);
  });

  test('a new teacher pass over known rows has to be allowed', async () => {
    const setting = ['--set', 'soft-label.topK=4', '--to', 'soft-label'];
    const { code, stderr } = await project.decant('run', ...setting);
    assert.equal(code, 2);
    assert.match(stderr, /topK.*3 -> 4/s);
    assert.match(stderr, /--recompute-teacher/);
    await succeed(project, 'run', ...setting, '--recompute-teacher');
  });
});

describe('a dense cache', () => {
  test('keeps every logit and trains at any temperature', async () => {
    const project = miniProject({
      'soft-label': { keep: 'all', temperatures: [1] },
      student: { layers: 1, hiddenSize: 32, steps: 10 },
      variants: { distilled: { temperature: 3 } },
    });
    await succeed(project, 'run');
    const said = await succeed(
      project,
      'cache',
      'sql',
      'select len(logits) as n, count(*) as rows from soft_labels group by n',
    );
    assert.match(said, /12 +1066/);
  });
});
