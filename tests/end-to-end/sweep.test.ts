import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { type Artifact, listArtifacts } from '#cache/artifact-store.ts';
import { succeed } from '#tests/support/cli-result.ts';
import { startCli } from '#tests/support/running-cli.ts';
import { smallConfig, smallProject } from '#tests/support/small-project.ts';
import { storeSnapshot } from '#tests/support/store-snapshot.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const { layers: _ofEncoders, ...training } = smallConfig.student;
const steps = { steps: 200, evaluateEvery: 50, checkpointEvery: 20 };
const bag = { ...training, ...steps, architecture: 'bag' };
const project = smallProject({
  student: { ...bag, schedule: 'constant' },
  sweep: { over: { hiddenSize: [8], accumulate: [1, 3], learningRate: [0.002, 0.003, 1e30] } },
});
const store = project.path('.decant');
let first: SweepAnswer;

before(async () => {
  const { code, stdout, stderr } = await project.decant('sweep', '--jobs', '2', '--json');
  assert.equal(code, 0, stderr);
  assert.match(stderr, /train-student:sweep-\w+ failed: step \d+: the loss is/);
  first = JSON.parse(stdout) as SweepAnswer;
});

test('every trial that can be trained is, those that cannot are named, and one that fails stops no other', () => {
  assert.deepEqual(
    new Set(first.trials.map(({ settings }) => settings['learningRate'])),
    new Set([0.002, 0.003]),
  );
  assert.ok(first.trials.every(({ figure, value }) => figure === 'accuracy' && value > 0));
  assert.ok(first.trials.some(({ isOnFront }) => isOnFront.size));
  assert.ok(first.trials.some(({ isOnFront }) => isOnFront.latency));
  assert.deepEqual(
    first.failed.map(({ settings, failure }) => [settings['learningRate'], failure.code]),
    [[1e30, 'E_TRAINING_DIVERGED']],
  );
  assert.equal(first.refused.length, 3);
  assert.ok(
    first.refused.every(({ because }) => because.startsWith('accumulate: must divide batchSize')),
  );
  const page = readFileSync(first.page, 'utf8');
  assert.equal(page.match(/<svg/g)?.length, 2);
});

test('trials are measured on the validation rows and on no other', async () => {
  const outputs = (await newest('prepare')).manifest.outputs;
  const said = (await newest('soft-label')).manifest.outputs;
  for (const { name } of first.trials) {
    const { inputs } = (await newest(`validate:${name}`)).manifest;
    assert.equal(inputs['labels/test'], outputs['labels/validation']?.digest);
    assert.equal(inputs['tokens/student/test'], outputs['tokens/student/validation']?.digest);
    assert.equal(inputs['rows/test'], said['rows/validation']?.digest);
    assert.ok(!Object.values(inputs).includes(outputs['labels/test']?.digest ?? ''));
  }
});

test('the same command trains nothing that is done, and more trials only what is new', async () => {
  const made = storeSnapshot(store);
  const over = { hiddenSize: [8], accumulate: [1], learningRate: [0.003, 0.002] };
  const set = ['--set', `sweep.over=${JSON.stringify(over)}`];
  const dry = JSON.parse(await succeed(project, 'sweep', '--dry-run', '--json', ...set));
  assert.deepEqual(
    (dry as { trials: { would: string }[] }).trials.map(({ would }) => would),
    ['keep', 'keep'],
  );
  const { stdout, stderr } = await project.decant('sweep', ...set);
  assert.doesNotMatch(stderr, /starts/);
  assert.match(stdout, /trial +hiddenSize +accumulate +learningRate +accuracy +agreement/);
  assert.match(stdout, /variants:\n {2}best: \{ temperature: 2, hiddenSize: 8, /);
  assert.deepEqual(storeSnapshot(store), made);
});

test('what belongs to other students of a sweep makes no further trials of one that does not read it', async () => {
  const over = { architecture: ['bag', 'modernbert'], layers: [1, 2], heads: [1, 2] };
  const set = ['--set', `sweep.over=${JSON.stringify(over)}`];
  const { trials } = JSON.parse(await succeed(project, 'sweep', '--dry-run', '--json', ...set));
  assert.deepEqual(
    (trials as SweepAnswer['trials']).map(({ settings }) => Object.values(settings)),
    [['bag'], ...[1, 2].flatMap((layers) => [1, 2].map((heads) => ['modernbert', layers, heads]))],
  );
});

test('a sweep that is killed in a training keeps the trial that is done, goes on in the other one, and ends with the same table', async () => {
  const cut = temporaryFolder('decant cut sweep');
  const filter = (path: string) => !/(train-student|validate)@/.test(path);
  cpSync(store, cut, { recursive: true, filter });
  const over = { hiddenSize: [8], accumulate: [1], learningRate: [0.002, 0.003] };
  const again = ['sweep', '--store', cut, '--set', `sweep.over=${JSON.stringify(over)}`];
  const killed = startCli([...again, '--log-format', 'json', '--log-every', '0s'], {
    cwd: project.folder,
  });
  // The second trial is on its way, and behind its first checkpoint.
  await killed.said(
    /"instance":"train-student:(sweep-\w+)"[^]*"instance":"train-student:(?!\1)sweep-\w+","event":\{"type":"progress","done":[1-9]/,
  );
  killed.killGroup('SIGKILL');
  await killed.ended;
  const { code, stdout, stderr } = await project.decant(...again, '--json', '--wait-lock', '1m');
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/train-student:sweep-\w+ +starts/g)?.length, 1, stderr);
  assert.match(stderr, /train-student:sweep-\w+ +goes on after step [1-9]/);
  assert.deepEqual(tableOf(JSON.parse(stdout)), tableOf(first));
  assert.deepEqual(
    trialsIn(storeSnapshot(cut)),
    trialsIn(storeSnapshot(store)),
    'the weights of an undisturbed sweep',
  );
});

test('a configuration without a sweep, and a range without an end, are refused with the way out', async () => {
  const missing = await smallProject().decant('sweep');
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /there is no section sweep\n {2}E_SWEEP_MISSING: .*over/);
  const range = 'sweep.over={"learningRate":{"from":0.1,"to":1}}';
  const endless = await project.decant('sweep', '--set', range);
  assert.equal(endless.code, 2);
  assert.match(endless.stderr, /E_SWEEP_ENDLESS: .*--trials/);
});

interface SweepAnswer {
  readonly page: string;
  readonly trials: readonly {
    readonly name: string;
    readonly settings: Readonly<Record<string, unknown>>;
    readonly figure: string;
    readonly value: number;
    readonly isOnFront: { readonly size: boolean; readonly latency: boolean };
  }[];
  readonly failed: readonly {
    readonly settings: Readonly<Record<string, unknown>>;
    readonly failure: { readonly code: string };
  }[];
  readonly refused: readonly { readonly because: string }[];
}

/** What a sweep found, without what was timed, and where its trials stand in the order of this sweep. */
function tableOf({ trials }: SweepAnswer): unknown[] {
  return trials.map(({ isOnFront: { size }, ...trial }) => ({
    ...trial,
    isOnFront: size,
    number: undefined,
    latencyMs: undefined,
  }));
}

/** Files of the trials alone. */
function trialsIn(snapshot: Readonly<Record<string, string>>): [path: string, digest: string][] {
  return Object.entries(snapshot).filter(([path]) => path.includes('@sweep-'));
}

async function newest(instance: string): Promise<Artifact> {
  const [artifact] = await listArtifacts(store, instance);
  assert.ok(artifact !== undefined, `${instance} has an artifact`);
  return artifact;
}
