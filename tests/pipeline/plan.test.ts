import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openPartial, outputFolder, sealArtifact } from '#cache/artifact-store.ts';
import { openFileDigests } from '#cache/file-digests.ts';
import type { StageInstance } from '#pipeline/graph.ts';
import { type FreshArtifacts, freshnessOf, reasonOf } from '#pipeline/plan.ts';
import { fakeInstance } from '#tests/support/fake-graph.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

/** Makes whatever is stale; the content of each output follows from its inputs. Returns what was made. */
async function bring(store: string, graph: readonly StageInstance[]): Promise<string[]> {
  const fresh: FreshArtifacts = new Map();
  const made: string[] = [];
  const digests = await openFileDigests(join(store, 'digests.json'));
  for (const instance of graph) {
    const freshness = await freshnessOf(instance, fresh, store, digests);
    if (freshness.state === 'waiting') assert.fail(`${instance.name} waits`);
    if (freshness.state === 'fresh') {
      fresh.set(instance.name, freshness.artifact);
      continue;
    }
    const { order } = freshness;
    made.push(`${instance.name}: ${reasonOf(freshness)}`);
    const partial = await openPartial(store, order, ['out']);
    const content = JSON.stringify([order.inputs, (instance.config as { says?: string }).says]);
    writeFileSync(join(outputFolder(partial, 'out'), 'content.json'), content);
    const { instance: name, fingerprint, recipe, inputs } = order;
    const at = new Date().toISOString();
    const rest = { counts: {}, environment: {}, startedAt: at, finishedAt: at };
    const artifact = await sealArtifact(
      store,
      { instance: name, fingerprint, recipe, inputs, ...rest },
      { out: {} },
    );
    fresh.set(instance.name, artifact);
  }
  return made;
}

const graphWith = (config: Record<string, unknown>, files: StageInstance['files'] = {}) => [
  fakeInstance('prepare', [], { config, files, speedKnobs: ['threads'] }),
  fakeInstance('soft-label', ['prepare']),
];

test('an unchanged graph makes nothing; a changed setting is named old -> new', async () => {
  const store = temporaryFolder();
  assert.deepEqual(await bring(store, graphWith({ says: 'a', topK: 5 })), [
    'prepare: not made yet',
    'soft-label: not made yet',
  ]);
  assert.deepEqual(await bring(store, graphWith({ says: 'a', topK: 5 })), []);
  // The output of prepare is what it was, so what reads it stays fresh.
  assert.deepEqual(await bring(store, graphWith({ says: 'a', topK: 6 })), [
    'prepare: topK: 5 -> 6',
  ]);
  assert.deepEqual(await bring(store, graphWith({ says: 'b', topK: 6 })), [
    'prepare: says: "a" -> "b"',
    'soft-label: prepare (prepare) changed',
  ]);
});

test('a speed knob makes nothing stale', async () => {
  const store = temporaryFolder();
  await bring(store, graphWith({ threads: 1 }));
  assert.deepEqual(await bring(store, graphWith({ threads: 2 })), []);
});

test('a file counts by its content: renamed it is fresh, changed it is named', async () => {
  const store = temporaryFolder();
  const [a, b] = [join(store, 'a.csv'), join(store, 'b.csv')];
  writeFileSync(a, 'text');
  writeFileSync(b, 'text');
  await bring(store, graphWith({}, { train: [a] }));
  assert.deepEqual(await bring(store, graphWith({}, { train: [b] })), []);
  writeFileSync(b, 'other');
  assert.deepEqual(await bring(store, graphWith({}, { train: [b] })), ['prepare: b.csv changed']);
});

test('going back to earlier settings finds the earlier artifact', async () => {
  const store = temporaryFolder();
  await bring(store, graphWith({ topK: 5 }));
  await bring(store, graphWith({ topK: 6 }));
  assert.deepEqual(await bring(store, graphWith({ topK: 5 })), []);
});

test('property: a stage runs exactly when its settings were not seen before', async () => {
  const settings = fc.array(fc.record({ topK: fc.nat(2), seed: fc.nat(1) }), {
    minLength: 1,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(settings, async (runs) => {
      const store = temporaryFolder();
      const seen = new Set<string>();
      for (const config of runs) {
        const made = await bring(store, [fakeInstance('prepare', [], { config })]);
        assert.equal(made.length, seen.has(JSON.stringify(config)) ? 0 : 1);
        seen.add(JSON.stringify(config));
      }
    }),
    { numRuns: 20 },
  );
});
