import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import type { RunRecord } from '#pipeline/history/run-record.ts';
import { type MiniProject, miniProject } from '#tests/support/mini-project.ts';

async function succeed(project: MiniProject, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await project.decant(...args);
  assert.equal(code, 0, `decant ${args.join(' ')} ended with ${code}:\n${stderr}`);
  return stdout;
}

describe('a store that several runs have filled', () => {
  let project: MiniProject;
  const lengths = ['64', '32', '48'];

  before(async () => {
    project = miniProject();
    for (const maxLength of lengths) {
      const setting = ['--set', `teacher.maxLength=${maxLength}`, '--recompute-teacher'];
      const said = await succeed(
        project,
        'run',
        '--quiet',
        '--to=evaluate:teacher',
        '--metrics-file=x.prom',
        ...setting,
      );
      assert.equal(said, '');
    }
  });

  test('the metrics file tells what the last run cost', () => {
    const text = readFileSync(project.path('x.prom'), 'utf8');
    assert.match(text, /^decant_teacher_rows\{source="computed"\} 1066$/m);
    assert.match(text, /^decant_run_exit_code 0$/m);
  });

  test('run.json keeps the settings and the figures', () => {
    const text = readFileSync(project.path('.decant', 'last-run.json'), 'utf8');
    const { config, metrics } = JSON.parse(text) as RunRecord;
    assert.equal((config['teacher'] as { maxLength: number }).maxLength, 48);
    assert.ok((metrics['teacher']?.accuracy ?? 0) > 0.8);
  });

  test('history lists the runs, compare says in what they differ', async () => {
    const said = await succeed(project, 'history', '--json');
    const { runs } = JSON.parse(said) as { readonly runs: readonly { readonly runId: string }[] };
    assert.equal(runs.length, lengths.length);
    const [last, , first] = runs.map(({ runId }) => runId);
    const compared = await succeed(project, 'compare', first ?? '', last ?? '', '--markdown');
    assert.match(compared, /^\| teacher.maxLength \| 64 \| 48 \|$/m);
    assert.match(compared, /^\| teacher \| accuracy \| [\d.]+ % \| [\d.]+ % \|/m);
  });

  test('gc removes the run in the middle; a tag, the newest and the fresh one stay', async () => {
    const gc = ['cache', 'gc', '--keep', '1', '--older-than', '0s'];
    const [, middle] = (
      JSON.parse(await succeed(project, 'history', '--json')) as { runs: { runId: string }[] }
    ).runs.map(({ runId }) => runId);
    await succeed(project, 'tag', middle ?? '', 'short');
    assert.match(await succeed(project, ...gc), /^removed 0 B in 0 places/m);
    await succeed(project, 'untag', 'short');
    const promised = await succeed(project, ...gc, '--dry-run');
    assert.match(promised, /artifacts\/soft-label\//);
    const removed = await succeed(project, ...gc);
    const places = (text: string) => text.match(/^artifacts\/\S+/gm);
    assert.deepEqual(places(removed), places(promised));
    assert.match(await succeed(project, ...gc), /^removed 0 B in 0 places/m);
    assert.match(await succeed(project, 'status'), /^evaluate:teacher +fresh/m);
    const rerun = ['run', '--to', 'evaluate:teacher', '--set', 'teacher.maxLength=48', '--json'];
    await succeed(project, ...rerun);
    const { stages } = JSON.parse(
      readFileSync(project.path('.decant', 'last-run.json'), 'utf8'),
    ) as RunRecord;
    assert.ok(Object.values(stages).every(({ status }) => status === 'fresh'));
  });
});
