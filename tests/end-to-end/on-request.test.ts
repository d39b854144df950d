import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import { lastRun } from '#tests/support/last-run.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';
import { smallProject } from '#tests/support/small-project.ts';

describe('a project whose first run is done', () => {
  let project: MiniProject;
  const fingerprintOf = (stage: string) =>
    lastRun(project).stages[stage]?.result?.fingerprint ?? 'none';

  before(async () => {
    project = smallProject({
      variants: { 'gold-only': { softLossWeight: 0, hardLossWeight: 1 }, distilled: {} },
    });
    await succeed(project, 'run');
  });

  test('a gate that holds is silent; one that does not ends with 4 and keeps everything', async () => {
    await succeed(project, 'run', '--set', 'gate.accuracy=0.01', '--set', 'gate.f1.card_arrival=0');
    const refused = await project.decant('run', '--set', 'gate.accuracyVsTeacher=1.5');
    assertRefused(
      refused,
      4,
      /distilled does not pass the gate: accuracyVsTeacher is \d/,
      /E_GATE/,
    );
    assert.match(refused.stdout, /^student +\S+/m);
    const { status, exitCode } = lastRun(project);
    assert.deepEqual({ status, exitCode }, { status: 'failed', exitCode: 4 });
    const unknown = await project.decant('run', '--set', 'gate.acuracy=0.5');
    assertRefused(unknown, 2, /gate.acuracy: no figure; did you mean accuracy\?/);
    const noClass = await project.decant('run', '--set', 'gate.recall.fraud=0.5');
    assertRefused(noClass, 4, /recall.fraud is not known/);
  });

  test('a named stage takes stale inputs with --allow-stale only, and says so', async () => {
    const stale = ['--set', 'student.steps=7'];
    const run = ['run', 'evaluate:distilled', ...stale];
    assertRefused(await project.decant(...run), 2, /train-student:distilled.*--allow-stale/s);
    const { code, stderr } = await project.decant(...run, '--allow-stale');
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /train-student:distilled +warning: is stale \(steps: 20 -> 7\); what it made/,
    );
    const { stages } = lastRun(project);
    assert.equal(stages['evaluate:distilled']?.status, 'fresh');
  });

  test('a pinned artifact is used as it is', async () => {
    const fingerprint = fingerprintOf('evaluate:distilled');
    assert.match(fingerprint, /^[0-9a-f]{64}$/);
    await succeed(project, 'run');
    const cache = fingerprintOf('soft-label');
    const pin = ['--set', `pinned.soft-label=${cache.slice(0, 12)}`];
    const other = ['--set', 'soft-label.topK=4'];
    assert.match(await succeed(project, 'status', ...other), /^soft-label +stale +topK: 3 -> 4/m);
    const said = await succeed(project, 'status', ...other, ...pin);
    assert.match(said, /^soft-label +fresh +pinned · made .* on cpu, onnxruntime/m);
    assert.match(said, /^train-student:distilled +fresh/m);
    const forced = await project.decant('run', '--force', 'soft-label', ...pin);
    assertRefused(forced, 2, /--force soft-label: it is pinned/);
    const none = await project.decant('status', '--set', 'pinned.soft-label=0123456789ab');
    assertRefused(none, 2, new RegExp(`is in no artifact \\(${cache.slice(0, 16)}\\)`));
    const unknown = await project.decant('status', '--set', 'pinned.softlabel=0123456789ab');
    assertRefused(unknown, 2, /did you mean soft-label\?/);
  });

  test('status says how far an interrupted stage has come', async () => {
    const args = ['--set', 'soft-label.temperatures=[1,2,4]', '--recompute-teacher'];
    await succeed(project, 'run', '--to', 'soft-label', ...args);
    const fingerprint = fingerprintOf('soft-label').slice(0, 16);
    const sealed = project.path('.decant', 'artifacts', 'soft-label', fingerprint);
    const partial = project.path('.decant', 'partial', `soft-label-${fingerprint}`);
    // What a kill before the publishing rename leaves.
    renameSync(sealed, partial);
    rmSync(join(partial, 'manifest.json'));
    rmSync(join(partial, 'rows', 'train', 'part-00000.parquet'));
    const said = await succeed(project, 'status', ...args.slice(0, 2));
    assert.match(said, /^soft-label +partial +1\d\d rows · temperatures: \[1,2\] -> \[1,2,4\]/m);
  });

  test('an estimate counts what would meet the teacher, and prices it', async () => {
    appendFileSync(project.path('unlabelled.jsonl'), '{"text":"where can I see my new top up"}\n');
    const said = await succeed(
      project,
      'estimate',
      '--seconds',
      '1',
      '--json',
      '--price-per-hour',
      '3',
    );
    const estimate = JSON.parse(said) as Record<string, number>;
    assert.equal(estimate['teacherRows'], 1);
    // On the CPU a row meets the teacher with rows of its own length.
    assert.equal(estimate['paddedTokens'], estimate['tokens']);
    assert.ok((estimate['hours'] ?? 0) > 0 && (estimate['bytes'] ?? 0) > 1000);
    assert.ok(Math.abs((estimate['money'] ?? 0) - 3 * (estimate['hours'] ?? 0)) < 1e-9);
    const text = await succeed(project, 'estimate', '--seconds', '1');
    assert.match(text, /^teacher +1 of [\d,]+ rows, the others stand in sealed caches$/m);
    assert.match(text, /^An estimate, from \d+ batches/m);
  });
});

describe('a smoke run', () => {
  test('tries every stage and keeps nothing', async () => {
    const project = smallProject();
    const { code, stdout, stderr } = await project.decant('run', '--smoke');
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /all \d+ stages work: prepare, soft-label, .*export-student:distilled, report/,
    );
    assert.ok(!existsSync(project.path('.decant')));
  });
});

describe('a secret in the environment', () => {
  test('is in no file of the store and in nothing that is said', async () => {
    const canary = 'canary-5f1d7e9b3a';
    const project = smallProject();
    process.env['HF_TOKEN'] = canary;
    process.env['AWS_SECRET_ACCESS_KEY'] = canary;
    try {
      const runs = [
        await project.decant('run', '--log-format', 'json', '--metrics-file', 'x.prom'),
        await project.decant('run', '--set', 'teacher.model=missing'),
        await project.decant('config', 'show', '--origin'),
        await project.decant('doctor', '--json'),
      ];
      assert.deepEqual(
        runs.map(({ code }) => code),
        [0, 3, 0, 0],
      );
      for (const { stdout, stderr } of runs) assert.ok(!`${stdout}${stderr}`.includes(canary));
      const entries = readdirSync(project.folder, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile());
      assert.ok(files.length > 40);
      for (const { parentPath, name } of files) {
        assert.ok(!readFileSync(join(parentPath, name)).includes(canary), name);
      }
    } finally {
      delete process.env['HF_TOKEN'];
      delete process.env['AWS_SECRET_ACCESS_KEY'];
    }
  });
});
