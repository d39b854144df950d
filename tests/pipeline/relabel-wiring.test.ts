import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '#pipeline/config.ts';
import { graphOf } from '#pipeline/wiring.ts';
import { failureOf } from '#tests/support/failure.ts';
import { smallProject } from '#tests/support/small-project.ts';

const variants = {
  distilled: {},
  relabelled: { initFrom: 'distilled', labels: 'hard-relabel' },
};
const asked = { student: 'distilled', policy: 'confident-learning', folds: 3, control: true };

test('folds are students of their own, and each relabelled student has two controls', () => {
  const graph = new Map(
    instancesOf({ variants, 'hard-relabel': asked }).map((one) => [one.name, one]),
  );
  const named = (name: string) => graph.get(name) ?? assert.fail(name);
  for (const fold of [1, 2, 3]) {
    const witness = named(`train-student:distilled.fold${fold}`);
    assert.deepEqual(witness.config['leftOutFold'], { fold, of: 3 });
    assert.deepEqual(
      { ...witness.config, leftOutFold: undefined },
      { ...named('train-student:distilled').config, leftOutFold: undefined },
    );
    assert.equal(named('hard-relabel').inputs[`predictions@fold${fold}`]?.instance, witness.name);
  }
  assert.equal(named('hard-relabel').inputs['predictions'], undefined, 'nothing in sample');
  const labelsOf = (name: string) => named(`train-student:${name}`).inputs['hardLabels']?.instance;
  assert.deepEqual(['relabelled', 'relabelled.random', 'relabelled.unchanged'].map(labelsOf), [
    'hard-relabel',
    'control-labels',
    undefined,
  ]);
  for (const name of ['relabelled.random', 'relabelled.unchanged']) {
    const control = named(`train-student:${name}`);
    assert.equal(control.inputs['initFrom']?.instance, 'train-student:distilled');
    assert.deepEqual(control.config, named('train-student:relabelled').config);
    assert.equal(named('report').inputs[`metrics.${name}`]?.instance, `evaluate:${name}`);
  }
});

test('a student that has learned from every row is refused as a witness', async () => {
  const started = { ...variants, second: { initFrom: 'distilled' } };
  const failure = await failureOf(
    Promise.resolve().then(() =>
      instancesOf({ variants: started, 'hard-relabel': { ...asked, student: 'second' } }),
    ),
  );
  assert.match(
    failure.message,
    /"second" starts from "distilled", which has learned from every row/,
  );
});

function instancesOf(changes: object) {
  const project = smallProject({ ...changes });
  return graphOf(loadConfig({ file: project.path('decant.yaml'), environment: {}, set: [] }));
}
