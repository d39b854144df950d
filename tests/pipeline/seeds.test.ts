import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { checkedConfig } from '#pipeline/config/config.ts';
import { isFurtherSeed } from '#pipeline/config/seeds.ts';
import { graphOf } from '#pipeline/wiring/wiring.ts';
import { miniConfig, miniProject } from '#tests/support/mini-project.ts';

const project = miniProject();
const graph = (settings: object) =>
  graphOf(checkedConfig(project.path('decant.yaml'), stringify({ ...miniConfig, ...settings })));
const trained = (settings: object) =>
  graph(settings).flatMap(({ name, config }) =>
    name.startsWith('train-student:')
      ? [[name.slice('train-student:'.length), config['seed']]]
      : [],
  );

test('each seed is a student; the first goes by the name of the variant', () => {
  const settings = {
    variants: { distilled: { seeds: [7, 0] }, 'gold-only': { softLossWeight: 0 } },
    'hard-relabel': undefined,
  };
  assert.deepEqual(trained(settings), [
    ['distilled', 7],
    ['distilled.seed0', 0],
    ['gold-only', 1],
  ]);
  const names = graph(settings).map(({ name }) => name);
  assert.ok(names.includes('evaluate:distilled.seed0'));
  assert.deepEqual(
    names.filter((name) => name.startsWith('seed-spread')),
    ['seed-spread:distilled'],
  );
  const report = graph(settings).find(({ name }) => name === 'report');
  assert.deepEqual(report?.config['variants'], ['distilled', 'gold-only']);
  assert.ok('spread.distilled' in (report?.inputs ?? {}));
});

test('a rehearsal tries one student of each variant', () => {
  const names = [
    'train-student:a',
    'train-student:a.seed2',
    'train-student:seed2',
    'evaluate:a.seed2',
  ];
  assert.deepEqual(names.filter(isFurtherSeed), ['train-student:a.seed2']);
});

test('shared seeds are of every variant that sets no seed, of controls and of no fold', () => {
  const found = trained({
    student: { ...miniConfig.student, seeds: [1, 2] },
    variants: {
      distilled: {},
      fixed: { seed: 5 },
      relabelled: { initFrom: 'distilled', labels: 'hard-relabel' },
    },
    'hard-relabel': { student: 'distilled', folds: 2, policy: 'teacher-confident', control: true },
  });
  assert.deepEqual(Object.fromEntries(found), {
    distilled: 1,
    'distilled.seed2': 2,
    'distilled.fold1': 1,
    'distilled.fold2': 1,
    fixed: 5,
    relabelled: 1,
    'relabelled.seed2': 2,
    'relabelled.random': 1,
    'relabelled.random.seed2': 2,
    'relabelled.unchanged': 1,
    'relabelled.unchanged.seed2': 2,
  });
});

test('the artifact of the first seed is the one of that seed alone', () => {
  const configOf = (variant: object) =>
    graph({ variants: { distilled: variant }, 'hard-relabel': undefined }).find(
      ({ name }) => name === 'train-student:distilled',
    )?.config;
  assert.deepEqual(configOf({ seeds: [3, 4] }), configOf({ seed: 3 }));
});

test('seeds beside a seed, or of a student that is chosen, are refused', () => {
  const refused = (student: object, variant: object, said: RegExp) =>
    assert.throws(
      () => graph({ student, variants: { distilled: variant }, 'hard-relabel': undefined }),
      said,
    );
  refused({}, { seed: 1, seeds: [1, 2] }, /variants\.distilled\.seeds: stands beside seed/);
  refused(
    { architecture: 'auto' },
    { seeds: [1, 2] },
    /distilled\.seeds: architecture: auto takes/,
  );
  refused({}, { seeds: [1, 1] }, /seeds must differ/);
});
