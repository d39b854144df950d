import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { succeed } from '#tests/support/cli-result.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';
import { type Ending, type RunningCli, startCli } from '#tests/support/running-cli.ts';
import { smallConfig, smallProject } from '#tests/support/small-project.ts';
import { storeSnapshot } from '#tests/support/store-snapshot.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const labelling =
  /"instance":"soft-label","event":\{"type":"progress","done":(?:6[4-9]|[7-9]\d|1\d\d)/;
const training = /"instance":"train-student:distilled","event":\{"type":"progress","done":[1-9]/;

describe('a run', { skip: process.platform !== 'linux' && 'looks for processes in /proc' }, () => {
  let project: MiniProject;
  let undisturbed: Record<string, string>;

  before(async () => {
    // One row a batch: long enough to be stopped in the middle.
    project = smallProject({
      'soft-label': { ...smallConfig['soft-label'], tokenBudget: 1 },
      student: { ...smallConfig.student, steps: 400, evaluateEvery: 400, checkpointEvery: 20 },
    });
    const store = temporaryFolder();
    await succeed(project, 'run', '--to', 'train-student', '--store', store);
    undisturbed = storeSnapshot(store);
  });

  function start(store: string, ...args: readonly string[]): RunningCli {
    const to = ['--to', 'train-student', ...args];
    return startCli(['run', '--store', store, '--log-format', 'json', '--log-every', '0s', ...to], {
      cwd: project.folder,
    });
  }

  /** Runs once more, to the stage in which the run before was stopped, and finds no difference. */
  async function finishes(store: string, stage: 'soft-label' | 'train-student'): Promise<void> {
    await succeed(project, 'run', '--to', stage, '--store', store);
    assert.deepEqual(storeSnapshot(store), undisturbedTo(stage));
  }

  function undisturbedTo(stage: 'soft-label' | 'train-student'): Record<string, string> {
    if (stage === 'train-student') return undisturbed;
    return Object.fromEntries(
      Object.entries(undisturbed).filter(([path]) => !path.includes('train-student')),
    );
  }

  test('whose command line is killed goes on at once, and repeats nothing', async () => {
    const store = temporaryFolder();
    const killed = start(store);
    await killed.said(labelling);
    const host = hostOf(killed);
    // Held still, so that the second run surely comes while it lives.
    process.kill(host, 'SIGSTOP');
    killed.kill('SIGKILL');
    const second = start(store, '--to', 'soft-label');
    await second.said(new RegExp(`waiting for process ${killed.pid} on `));
    process.kill(host, 'SIGCONT');
    assert.equal((await second.ended).code, 0);
    const { teacherRows = 0, resumedRows = 0 } = softLabelCounts(store);
    assert.ok(resumedRows >= 16, `${resumedRows} rows were kept`);
    assert.equal(teacherRows + resumedRows, ROWS);
    await finishes(store, 'soft-label');
  });

  test('whose stage host is killed says so and goes on when it is run again', async () => {
    const store = temporaryFolder();
    const run = start(store);
    await run.said(training);
    process.kill(hostOf(run), 'SIGKILL');
    const ending = await run.ended;
    assertEnded(ending, 75);
    assert.match(
      ending.stderr,
      /^the process of train-student:distilled ended with signal SIGKILL after \{"type":"\w+"/m,
    );
    assert.match(
      ending.stderr,
      /E_HOST_DIED: it was killed or ran out of memory: .*run the same command again/,
    );
    const record = JSON.parse(readFileSync(`${store}/last-run.json`, 'utf8')) as RunRecord;
    assert.equal(record.status, 'failed');
    assert.equal(record.exitCode, 75);
    assert.equal(record.stages['train-student:distilled']?.failure?.code, 'E_HOST_DIED');
    await finishes(store, 'train-student');
  });

  test('whose stage host aborts is an internal error with a way out', async () => {
    const store = temporaryFolder();
    const run = start(store);
    await run.said(labelling);
    process.kill(hostOf(run), 'SIGABRT');
    const ending = await run.ended;
    assertEnded(ending, 1);
    assert.match(
      ending.stderr,
      /ended with signal SIGABRT after .*\n {2}E_HOST_DIED: .*decant doctor/s,
    );
    await finishes(store, 'soft-label');
  });

  test('stops on Ctrl-C with 130 in stage one and on SIGTERM with 75 in stage two, and goes on', async () => {
    const store = temporaryFolder();
    const first = start(store);
    await first.said(labelling);
    first.killGroup('SIGINT');
    const interrupted = await endsSoon(first);
    assertEnded(interrupted, 130);
    assert.match(interrupted.stderr, /E_INTERRUPTED: run the same command again/);

    // No step is a multiple of this: what lies there afterwards was written because of the signal.
    const second = start(store, '--set', 'student.checkpointEvery=1000');
    await second.said(training);
    second.kill('SIGTERM');
    const terminated = await endsSoon(second);
    assertEnded(terminated, 75);
    assert.match(terminated.stderr, /E_STOPPED: run the same command again/);
    assert.equal(lastRun(store).status, 'stopped');
    assert.match(checkpointsIn(store).join(), /^checkpoint-\d{8}\.bin$/);
    await finishes(store, 'train-student');
  });

  test('stops while a stage host is starting', async () => {
    const store = temporaryFolder();
    const run = start(store);
    await run.said(/"type":"stage-started"/);
    run.killGroup('SIGTERM');
    assertEnded(await endsSoon(run), 75);
    await finishes(store, 'soft-label');
  });

  test('stops at once on a second Ctrl-C, also when the host does not listen', async () => {
    const store = temporaryFolder();
    const run = start(store);
    await run.said(labelling);
    const host = hostOf(run);
    process.kill(host, 'SIGSTOP');
    run.kill('SIGINT');
    await run.said(/Ctrl-C again stops at once/);
    run.kill('SIGINT');
    assertEnded(await endsSoon(run), 130);
    await finishes(store, 'soft-label');
  });

  test('stops while it waits for the store', async () => {
    const store = temporaryFolder();
    const holder = start(store, '--to', 'soft-label');
    await holder.said(labelling);
    const host = hostOf(holder);
    process.kill(host, 'SIGSTOP');
    const waiting = start(store, '--wait-lock', '10m');
    await waiting.said(/waiting for process/);
    waiting.kill('SIGTERM');
    assertEnded(await endsSoon(waiting), 75);
    process.kill(host, 'SIGCONT');
    assert.equal((await holder.ended).code, 0);
    assert.deepEqual(storeSnapshot(store), undisturbedTo('soft-label'));
  });

  test('stops at its time limit and goes on', async () => {
    const store = temporaryFolder();
    const ending = await endsSoon(start(store, '--max-duration', '100ms'));
    assertEnded(ending, 75);
    assert.match(ending.stderr, /--max-duration|time-limit/);
    await finishes(store, 'soft-label');
  });

  test('is one of eight at once: seven are refused and name it', async () => {
    const store = temporaryFolder();
    const runs = Array.from({ length: 8 }, () => start(store, '--to', 'soft-label'));
    const worker = await Promise.any(
      runs.map(async (run) => {
        await run.said(/"type":"stage-started"/);
        return run;
      }),
    );
    worker.kill('SIGSTOP');
    const others = await Promise.all(
      runs.filter((run) => run !== worker).map(({ ended }) => ended),
    );
    worker.kill('SIGCONT');
    for (const ending of others) {
      assertEnded(ending, 75);
      assert.match(
        ending.stderr,
        new RegExp(
          `the store is in use by process ${worker.pid} on \\S+ since \\d{4}-\\d\\d-\\d\\dT.*\\n +E_LOCKED: .*--wait-lock`,
        ),
      );
    }
    assert.equal((await worker.ended).code, 0);
    assert.deepEqual(storeSnapshot(store), undisturbedTo('soft-label'));
  });
});

interface RunRecord {
  readonly status: string;
  readonly exitCode: number;
  readonly stages: Readonly<Record<string, { readonly failure?: { readonly code: string } }>>;
}

function lastRun(store: string): RunRecord {
  return JSON.parse(readFileSync(`${store}/last-run.json`, 'utf8')) as RunRecord;
}

/** Checkpoints of the training that is not done. */
function checkpointsIn(store: string): string[] {
  const partials = readdirSync(`${store}/partial`).filter((name) => name.startsWith('train-'));
  return partials.flatMap((name) => readdirSync(`${store}/partial/${name}/checkpoints`));
}

function softLabelCounts(store: string): Readonly<Record<string, number>> {
  const folder = `${store}/artifacts/soft-label`;
  const [name = ''] = readdirSync(folder);
  const manifest = readFileSync(`${folder}/${name}/manifest.json`, 'utf8');
  return (JSON.parse(manifest) as { counts: Record<string, number> }).counts;
}

function hostOf(run: RunningCli): number {
  const pid = run.hostPid();
  assert.ok(pid !== undefined, 'a stage host runs');
  return pid;
}

function assertEnded({ code, signal, stderr }: Ending, expected: number): void {
  // Without the events: there are many.
  const words = stderr.replaceAll(/^\{.*\n/gm, '');
  assert.equal(code, expected, `${signal ?? ''} ${words}`);
  assert.doesNotMatch(stderr, /^ +at |E_INTERNAL/m);
}

/** The promise is ten seconds; a process that hangs would hang the test too. */
async function endsSoon(run: RunningCli): Promise<Ending> {
  const timer = setTimeout(() => run.killGroup('SIGKILL'), 10_000);
  try {
    return await run.ended;
  } finally {
    clearTimeout(timer);
  }
}

/** Rows of the small project: 60 + 40 train, 36 validation and 36 test. */
const ROWS = 172;
