import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openPartial, outputFolder, sealArtifact } from '#cache/artifact-store.ts';
import { openFileDigests } from '#cache/file-digests.ts';
import { canonicalJson } from '#cache/fingerprint.ts';
import { type FreshArtifacts, freshnessOf, orderOf, reasonOf } from '#pipeline/run/plan.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';
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
    const why = reasonOf(freshness).replace(/[0-9a-f]{8} -> [0-9a-f]{8}/, 'OLD -> NEW');
    made.push(`${instance.name}: ${why}`);
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
    'soft-label: prepare (prepare) changed (OLD -> NEW)',
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
  assert.deepEqual(await bring(store, graphWith({}, { train: [b] })), [
    'prepare: b.csv changed (OLD -> NEW)',
  ]);
});

test('going back to earlier settings finds the earlier artifact', async () => {
  const store = temporaryFolder();
  await bring(store, graphWith({ topK: 5 }));
  await bring(store, graphWith({ topK: 6 }));
  assert.deepEqual(await bring(store, graphWith({ topK: 5 })), []);
});

/** A small graph: what each stage says, a setting without effect on its output, and whom it reads from. */
const graphs = fc.array(
  fc.record({ says: fc.nat(1), topK: fc.nat(1), threads: fc.nat(3), reads: fc.nat(7) }),
  { minLength: 4, maxLength: 4 },
);

test('property: a stage runs exactly when its settings and the content of its inputs are new', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(graphs, { minLength: 1, maxLength: 5 }), async (runs) => {
      const store = temporaryFolder();
      const seen = new Set<string>();
      for (const nodes of runs) {
        const contents: string[] = [];
        const expected: string[] = [];
        const graph = nodes.map(({ says, topK, threads, reads }, index) => {
          // Bit j of `reads` says whether stage j, which comes before, is an input.
          const from = contents.flatMap((_, j) => ((reads >> j) & 1 ? [j] : []));
          const inputs = from.map((j) => [j, contents[j]]);
          const key = JSON.stringify([index, says, topK, inputs]);
          if (!seen.has(key)) expected.push(`stage${index}`);
          seen.add(key);
          contents.push(JSON.stringify([inputs, says]));
          const names = from.map((j) => `stage${j}`);
          const config = { says, topK, threads };
          return fakeInstance(`stage${index}`, names, { config, speedKnobs: ['threads'] });
        });
        const made = (await bring(store, graph)).map((line) => line.split(':')[0]);
        assert.deepEqual(made, expected);
      }
    }),
    { numRuns: 25 },
  );
});

test('property: fingerprints are equal exactly when settings and the content of files are', async () => {
  const folder = temporaryFolder();
  const digests = await openFileDigests(join(folder, 'digests.json'));
  const recipes = fc.record({
    config: fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(fc.nat(1), fc.boolean())),
    texts: fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 }),
  });
  let files = 0;
  const fingerprint = async ({ config, texts }: { config: object; texts: string[] }) => {
    const train = texts.map((text) => {
      const path = join(folder, `${++files}.csv`);
      writeFileSync(path, text);
      return path;
    });
    const instance = fakeInstance('prepare', [], { config: { ...config }, files: { train } });
    return (await orderOf(instance, new Map(), digests)).fingerprint;
  };
  await fc.assert(
    fc.asyncProperty(recipes, recipes, async (one, two) => {
      const equal = canonicalJson(one) === canonicalJson(two);
      assert.equal((await fingerprint(one)) === (await fingerprint(two)), equal);
    }),
  );
});
