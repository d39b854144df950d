import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomFor } from '#stages/numerics/random.ts';
import { succeed } from '#tests/support/cli-result.ts';
import { isQuick } from '#tests/support/crash.ts';
import { type RunningCli, startCli } from '#tests/support/running-cli.ts';
import { smallConfig, smallProject } from '#tests/support/small-project.ts';
import { storeSnapshot } from '#tests/support/store-snapshot.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const KILLS = isQuick ? 2 : 20;
const SEED = 20_250_102;
/** More steps than a training gets from one kill to the next, usually. */
const REACH = 100;

const onLinux = { skip: process.platform !== 'linux' && 'looks for processes in /proc' };

test(`a training ends with the same weights after ${KILLS} kills at random`, onLinux, async (t) => {
  const steps = REACH * (KILLS + 1);
  const training = { steps, evaluateEvery: 40, checkpointEvery: 7, dropout: 0.1 };
  const project = smallProject({ student: { ...smallConfig.student, ...training } });
  const reference = temporaryFolder();
  await succeed(project, 'run', '--to', 'soft-label', '--store', reference);
  const store = temporaryFolder('decant killed training');
  cpSync(reference, store, { recursive: true });
  await succeed(project, 'run', '--to', 'train-student', '--store', reference);

  const random = randomFor(SEED, 'kills');
  let [kills, resumed, reached] = [0, 0, 0];
  while (kills < KILLS) {
    const run = startCli(
      ['run', '--to', 'train-student', '--store', store, '--log-format', 'json', '--log-every=0s'],
      { cwd: project.folder },
    );
    const lines = kills % 4 === 3 ? 0 : 1 + Math.floor(random() * 3);
    const progress = '"instance":"train-student:distilled","event":\\{"type":"progress"';
    // Before the first line there is start-up, reading and the first steps, which are hit as well.
    const place = lines === 0 ? '"type":"stage-started"' : `(?:${progress}[^]*){${lines}}`;
    await run.said(new RegExp(place));
    await sleep(random() * 300);
    process.kill(await hostOf(run), 'SIGKILL');
    const { code, stderr } = await run.ended;
    assert.notEqual(code, 0, 'the training is longer than all kills reach');
    kills++;
    const goesOn = /goes on after step (\d+)/.exec(stderr)?.[1];
    t.diagnostic(`kill ${kills}: went on after step ${goesOn ?? '-'}, ended with ${code}`);
    // One that was killed while it started has not looked for a checkpoint yet.
    if (goesOn === undefined) continue;
    resumed++;
    assert.ok(Number(goesOn) >= reached, `it fell back from step ${reached} to ${goesOn}`);
    reached = Number(goesOn);
  }
  assert.ok(resumed > 0, 'one of them went on from a checkpoint');
  await succeed(project, 'run', '--to', 'train-student', '--store', store);
  assert.deepEqual(storeSnapshot(store), storeSnapshot(reference));
  assert.deepEqual(
    stepsLogged(store),
    stepsLogged(reference),
    'no line of the log twice or missing',
  );
});

/** The process of the stage, which starts a moment after it is announced. */
async function hostOf(run: RunningCli): Promise<number> {
  for (;;) {
    const pid = run.hostPid();
    if (pid !== undefined) return pid;
    await Promise.race([sleep(10), run.ended.then(({ stderr }) => assert.fail(stderr))]);
  }
}

/** Steps of the training log, in its order. */
function stepsLogged(store: string): number[] {
  const [path = ''] = Object.keys(storeSnapshot(store)).filter((one) =>
    one.endsWith('model.safetensors'),
  );
  const log = join(store, path, '..', '..', 'log', 'metrics.jsonl');
  return readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { step: number }).step);
}
