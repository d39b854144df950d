import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadConfig } from '#pipeline/config/config.ts';
import { graphOf } from '#pipeline/wiring/wiring.ts';
import { failureOf } from '#tests/support/failure.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';
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

test('a teacher whose head is fitted on the gold labels is refused as a witness against them', () => {
  const teacher = { embeddings: 'teacher', head: 'fit' };
  const of = (policy: string, more: object = {}) => {
    const { control: _none, ...plain } = asked;
    return () => instancesOf({ teacher, variants, 'hard-relabel': { ...plain, policy, ...more } });
  };
  for (const policy of ['confident-learning', 'label-odds']) {
    assert.throws(of(policy), /hard-relabel\.evidence: the head of teacher\.embeddings is fitted/);
    assert.throws(of(policy, { evidence: 'teacher-and-student' }), /write evidence: student/);
    assert.doesNotThrow(of(policy, { evidence: 'student' }));
  }
  assert.throws(of('teacher-confident'), /hard-relabel\.policy: .* is fitted on these gold labels/);
  assert.doesNotThrow(of('fill-unlabelled'));
});

test('a start from a model that knows classes is refused as a witness, one from an encoder is none', () => {
  const from = (folder: string) => ({ distilled: { initialise: { from: folder } } });
  const of = (folder: string, more: object = {}) => {
    const relabelled = { ...from(folder), relabelled: variants.relabelled };
    return instancesOf(
      { variants: relabelled, 'hard-relabel': { ...asked, ...more } },
      (project) => {
        for (const name of ['trained', 'encoder']) {
          cpSync(project.path('teacher'), project.path(name), { recursive: true });
        }
        const config = project.path('encoder', 'config.json');
        const { id2label: _none, ...rest } = JSON.parse(readFileSync(config, 'utf8'));
        writeFileSync(config, JSON.stringify(rest));
      },
    );
  };
  assert.throws(
    () => of('trained'),
    /"distilled" starts from trained, a model with classes such as "/,
  );
  assert.doesNotThrow(() => of('encoder'));
  assert.doesNotThrow(() => of('teacher'));
  assert.throws(() => of('teacher', { evidence: 'student' }), /starts from the teacher, which by/);
});

function instancesOf(changes: object, arrange: (project: MiniProject) => void = () => {}) {
  const project = smallProject({ ...changes });
  arrange(project);
  return graphOf(loadConfig({ file: project.path('decant.yaml'), environment: {}, set: [] }));
}
