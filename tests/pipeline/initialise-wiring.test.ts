import assert from 'node:assert/strict';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { loadConfig } from '#pipeline/config/config.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';
import { graphOf } from '#pipeline/wiring/wiring.ts';
import { miniConfig, miniProject } from '#tests/support/mini-project.ts';
import { goldenFolder } from '#tests/support/paths.ts';

const project = miniProject();
cpSync(join(goldenFolder, 'hf-golden', 'bert'), project.path('encoder'), { recursive: true });
const FROM_TEACHER = { initialise: { from: 'teacher', layers: [0] } };

test('from: teacher takes the files of the teacher, a folder its safetensors; places are no settings', () => {
  const ofTeacher = trained({ first: FROM_TEACHER }).files;
  const graph = project.path('teacher', 'onnx', 'model.onnx');
  assert.deepEqual(ofTeacher['initialiseWeights'], [graph]);
  assert.deepEqual(ofTeacher['initialiseConfig'], [project.path('teacher', 'config.json')]);
  assert.deepEqual(ofTeacher['initialiseTokenizer'], [project.path('teacher', 'tokenizer.json')]);
  assert.throws(() => trained({ first: { initialise: { from: 'encoder' } } }), {
    code: 'E_TEACHER_FILES',
    message: /encoder: has no tokenizer\.json/,
  });
  cpSync(project.path('teacher', 'tokenizer.json'), project.path('encoder', 'tokenizer.json'));
  const { files, config } = trained({ first: { initialise: { from: 'encoder' } } });
  assert.deepEqual(files['initialiseWeights'], [project.path('encoder', 'model.safetensors')]);
  assert.deepEqual(config['initialise'], { from: 'checkpoint' });
});

test('a student of tensors has no tokenizer, and none is asked for', () => {
  mkdirSync(project.path('pixels'));
  writeFileSync(project.path('pixels', 'config.json'), '{ "model_type": "decant-mlp" }');
  writeFileSync(project.path('pixels', 'model.safetensors'), '');
  const { files } = trained({ first: { initialise: { from: 'pixels' } } });
  assert.equal(files['initialiseTokenizer'], undefined);
  assert.deepEqual(files['initialiseConfig'], [project.path('pixels', 'config.json')]);
});

test('weights in several files are all of them', () => {
  mkdirSync(project.path('large'));
  for (const name of ['config.json', 'tokenizer.json', 'a.safetensors', 'b.safetensors']) {
    writeFileSync(project.path('large', name), '{}');
  }
  const weight_map = {
    'x.weight': 'b.safetensors',
    'y.weight': 'a.safetensors',
    z: 'a.safetensors',
  };
  const index = project.path('large', 'model.safetensors.index.json');
  writeFileSync(index, JSON.stringify({ weight_map }));
  const { files } = trained({ first: { initialise: { from: 'large' } } });
  const expected = ['a', 'b'].map((name) => project.path('large', `${name}.safetensors`));
  assert.deepEqual(files['initialiseWeights'], expected);
});

test('what all variants share is left out where one starts from another, or at random', () => {
  const variants = { first: {}, second: { initFrom: 'first' }, third: { initialise: 'random' } };
  const of = (name: string) => trained(variants, { ...miniConfig.student, ...FROM_TEACHER }, name);
  assert.ok('initialiseWeights' in of('first').files);
  for (const name of ['second', 'third']) {
    assert.equal(of(name).config['initialise'], undefined);
    assert.deepEqual(of(name).files, {});
  }
});

test('a variant that starts from two places, and a teacher without weights, are refused', () => {
  assert.throws(() => trained({ first: {}, second: { initFrom: 'first', ...FROM_TEACHER } }), {
    message: /variants\.second\.initialise: it starts from the variant "first" already/,
  });
  const answers = { answers: 'labelled.csv', tokenizer: 'teacher' };
  assert.throws(() => trained({ first: FROM_TEACHER }, miniConfig.student, 'first', answers), {
    message: /variants\.first\.initialise\.from: answers have no weights/,
  });
  assert.throws(() => trained({ first: { initialise: { from: 'nowhere' } } }), {
    code: 'E_TEACHER_FILES',
    message: /nowhere: there is no such file or folder/,
    fix: /variants\.first\.initialise\.from/,
  });
});

function trained(
  variants: object,
  student: object = miniConfig.student,
  name = 'first',
  teacher: object = miniConfig.teacher,
): StageInstance {
  const { 'hard-relabel': _, ...config } = miniConfig;
  const file = project.path('initialise.yaml');
  writeFileSync(file, stringify({ ...config, teacher, student, variants }));
  const graph = graphOf(loadConfig({ file, environment: {}, set: [] }));
  return graph.find((one) => one.name === `train-student:${name}`) ?? assert.fail();
}
