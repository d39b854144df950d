import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { lastRun } from '#tests/support/last-run.ts';
import { decantProgram, repository } from '#tests/support/paths.ts';
import { smallProject } from '#tests/support/small-project.ts';

/** The script that the README tells people to run every night, with this checkout's decant. */
function nightlyScript(): string {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  const [, script = ''] = /```sh\n# nightly\.sh\n(.*?)```/s.exec(readme) ?? [];
  const decant = `'${process.execPath}' '${decantProgram}'`;
  return script.replaceAll('npx decant', decant);
}

describe('a night', () => {
  const project = smallProject({ gate: { accuracy: 0.01 } });
  const night = (gate?: string) => {
    const env = { ...process.env, ...(gate !== undefined && { DECANT_GATE: gate }) };
    return spawnSync('sh', ['-c', nightlyScript()], { cwd: project.folder, encoding: 'utf8', env });
  };
  const teacherRows = () => lastRun(project).stages['soft-label']?.result?.counts['teacherRows'];
  const weights = () => readFileSync(project.path('student', 'model.safetensors'));

  test('makes, checks and puts out a student, and asks for labels', () => {
    const { status, stderr } = night();
    assert.equal(status, 0, stderr);
    assert.ok(existsSync(project.path('student', 'onnx', 'model.onnx')));
    const asked = readFileSync(project.path('to-label.csv'), 'utf8').trimEnd().split('\n');
    assert.ok(asked.length > 10 && asked[0]?.includes('label'), asked[0]);
  });

  test('sends the new rows to the teacher and no others', () => {
    const before = weights();
    const rows = Array.from({ length: 9 }, (_, row) =>
      JSON.stringify({ text: `why was I charged ${row} euros for my transfer` }),
    );
    appendFileSync(project.path('unlabelled.jsonl'), `${rows.join('\n')}\n`);
    const { status, stderr } = night();
    assert.equal(status, 0, stderr);
    assert.equal(teacherRows(), 9);
    assert.notDeepEqual(weights(), before);
  });

  test('keeps the student of yesterday when the gate is not passed', () => {
    const before = weights();
    appendFileSync(project.path('unlabelled.jsonl'), '{"text":"is my phone number safe"}\n');
    const { status, stderr } = night('{"accuracy": 1.5}');
    assert.equal(status, 4, stderr);
    assert.match(stderr, /does not pass the gate/);
    assert.deepEqual(weights(), before);
    assert.equal(teacherRows(), 1);
  });
});
