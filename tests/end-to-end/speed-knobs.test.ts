import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { type Artifact, findArtifact, listArtifacts, outputFolder } from '#cache/artifact-store.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import { loadConfig } from '#pipeline/config/config.ts';
import { stages } from '#pipeline/registry.ts';
import { startHost } from '#pipeline/run/host-process.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';
import { graphOf } from '#pipeline/wiring/wiring.ts';
import { smallProject } from '#tests/support/small-project.ts';

/** Another value for every speed knob of every stage: a new knob has to be named here. */
const otherValues: Readonly<Record<string, unknown>> = {
  device: 'cpu',
  threads: 1,
  tokenBudget: 200,
  checkpointEvery: 7,
  checkpointMinutes: 0.001,
  keepCheckpoints: 3,
  memoryLimitMb: 0,
  latencyRuns: 3,
  output: 'logits',
  deviceId: 1,
  strict: true,
  gather: 'off',
  licenses: { teacher: 'MIT', corpus: 'MIT' },
};

const project = smallProject();
const store = project.path('.decant');

before(async () => {
  const { code, stderr } = await project.decant('run');
  assert.equal(code, 0, stderr);
});

const graph = graphOf(loadConfig({ file: project.path('decant.yaml'), environment: {}, set: [] }));

for (const stage of stages.filter(({ speedKnobs }) => speedKnobs.length > 0)) {
  const instance = graph.find(
    (one) => one.stage.name === stage.name && !one.name.endsWith(':teacher'),
  );
  const skip = instance === undefined && 'this project has no such stage';
  const knobs = stage.speedKnobs.join(', ');
  test(`${stage.name}: ${knobs} change no byte of what is made`, { skip }, async () => {
    assert.ok(instance !== undefined);
    const [made] = await listArtifacts(store, instance.name);
    assert.ok(made !== undefined);
    const again = await makeAgain(instance, made, turned(stage.speedKnobs));
    assert.deepEqual(digestsOf(again), digestsOf(made));
  });
}

function turned(knobs: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    knobs.map((knob) => {
      if (!Object.hasOwn(otherValues, knob))
        assert.fail(`name another value of ${knob} in this test`);
      return [knob, otherValues[knob]];
    }),
  );
}

/** Runs the stage on the same inputs with other knobs, in a store of its own. */
async function makeAgain(
  instance: StageInstance,
  made: Artifact,
  knobs: Record<string, unknown>,
): Promise<Artifact> {
  const elsewhere = project.path('elsewhere');
  const { recipe, inputs } = made.manifest;
  const inputFolders = await Promise.all(
    Object.entries(instance.inputs).map(async ([name, ref]) => {
      const [artifact] = await listArtifacts(store, ref.instance);
      return [name, outputFolder(artifact?.folder ?? '', ref.output)] as const;
    }),
  );
  const job = {
    store: elsewhere,
    instance: instance.name,
    stage: instance.stage.name,
    fingerprint: fingerprintOf({ recipe, knobs }),
    config: { ...instance.config, ...knobs },
    files: instance.files,
    inputFolders: Object.fromEntries(inputFolders),
    inputs,
    recipe,
    earlier: [],
    recomputeTeacher: false,
  };
  const host = startHost(
    { type: 'run', job },
    openSync(join(project.folder, 'decant.yaml'), 'r'),
    () => undefined,
  );
  const outcome = await host.outcome;
  assert.equal(outcome.type, 'done', JSON.stringify(outcome));
  const artifact = await findArtifact(elsewhere, job);
  assert.ok(artifact !== undefined);
  return artifact;
}

function digestsOf({ manifest }: Artifact): Record<string, string> {
  return Object.fromEntries(
    Object.entries(manifest.outputs).map(([name, { digest }]) => [name, digest]),
  );
}
