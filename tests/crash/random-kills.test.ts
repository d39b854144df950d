import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomFor } from '#stages/numerics/random.ts';
import { succeed } from '#tests/support/cli-result.ts';
import { isQuick } from '#tests/support/crash.ts';
import { miniConfig, miniProject } from '#tests/support/mini-project.ts';
import { type RunningCli, startCli } from '#tests/support/running-cli.ts';
import { storeSnapshot } from '#tests/support/store-snapshot.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const KILLS = isQuick ? 6 : 30;
const SEED = 20_250_101;

const onLinux = { skip: process.platform !== 'linux' && 'looks for processes in /proc' };

test(`a store is bit-identical after ${KILLS} kills at random`, onLinux, async (t) => {
  const project = miniProject({
    'soft-label': { ...miniConfig['soft-label'], shardRows: 128 },
    student: { layers: 1, hiddenSize: 32, steps: 20, evaluateEvery: 10, checkpointEvery: 5 },
  });
  const reference = temporaryFolder();
  await succeed(project, 'run', '--store', reference);
  const undisturbed = storeSnapshot(reference);

  const stores = temporaryFolder('decant killed');
  const random = randomFor(SEED, 'kills');
  let round = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const store = join(stores, `${round}`);
    const run = startCli(['run', '--store', store, '--log-format', 'json', '--log-every', '0s'], {
      cwd: project.folder,
    });
    // Counted in events, so that a slow machine is killed in the same places; then a bit of time.
    const events = 1 + Math.floor(random() * 60);
    await Promise.race([run.said(new RegExp(`(?:^\\{.*\\n){${events}}`, 'm')), run.ended]);
    await sleep(random() * 300);
    const victim = shoot(run, kill % 2 === 0 ? 'host' : 'command line');
    const { code } = await run.ended;
    t.diagnostic(`kill ${kill}: the ${victim} after ${events} events, ended with ${code}`);
    const found = storeSnapshot(store);
    assert.deepEqual({ ...undisturbed, ...found }, undisturbed, 'what is sealed is right');
    if (code !== 0) continue;
    assert.deepEqual(found, undisturbed);
    round++;
  }
  const store = join(stores, `${round}`);
  await succeed(project, 'run', '--store', store, '--wait-lock', '1m');
  assert.deepEqual(storeSnapshot(store), undisturbed);
});

/** Between two stages there is no host: then the command line is hit. */
function shoot(run: RunningCli, wanted: 'host' | 'command line'): string {
  const host = wanted === 'host' ? run.hostPid() : undefined;
  try {
    if (host === undefined) run.kill('SIGKILL');
    else process.kill(host, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
  return host === undefined ? 'command line' : 'host';
}
