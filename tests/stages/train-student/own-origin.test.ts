import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { writeStudent } from '#stages/train-student/outputs.ts';
import { startWeights } from '#stages/train-student/start/initial-weights.ts';
import { sayStart } from '#stages/train-student/start/initialisation.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { tinyStudents } from '#tests/support/tiny-students.ts';

const OF_TENSORS = tinyStudents.filter(({ name }) => /^(mlp|cnn) of classes$/.test(name));
const CLASSES = ['a', 'b', 'c', 'd', 'e'];

for (const { name, shape } of OF_TENSORS) {
  test(`${name}: starts from a student of its kind, its classes by name`, async () => {
    const specs = architectureOf(shape.architecture).parameters(shape);
    const weights = initialise(specs, 5);
    const files = await written(shape, weights);
    const same = await start(shape, CLASSES, files);
    assert.deepEqual(same.weights, weights);
    assert.equal(same.initialisation && sayStart(same.initialisation), SAID);
    const turned = await start(shape, CLASSES.toReversed(), files);
    assert.notDeepEqual(turned.weights, weights);
    const { length } = weights;
    // The biases of the classes are the last numbers.
    assert.deepEqual(turned.weights.slice(length - 5), weights.slice(length - 5).reverse());
    const wider = { ...shape, hiddenSize: 2 * shape.hiddenSize };
    await assert.rejects(start(wider, CLASSES, files), { code: 'E_INITIALISE_SHAPE' });
  });
}

test('a student of tensors has nothing in common with a model of texts, and is told so', async () => {
  const [student] = OF_TENSORS;
  assert.ok(student !== undefined);
  const weights = initialise(architectureOf('mlp').parameters(student.shape), 1);
  const files = await written(student.shape, weights);
  await assert.rejects(start(student.shape, CLASSES, { ...files, tokenizer: 'tokenizer.json' }), {
    code: 'E_INITIALISE_TENSORS',
    message: /a mlp that reads no text has nothing in common with a model that reads texts/,
  });
});

const SAID = 'starts from the weights of the checkpoint';

async function written(shape: StudentShape, weights: Float32Array) {
  const folder = temporaryFolder();
  const architecture = architectureOf(shape.architecture);
  const student = {
    architecture,
    shape,
    weights,
    classNames: CLASSES,
    task: undefined,
    heads: {},
  };
  await writeStudent(folder, student, '/nowhere');
  return {
    config: join(folder, 'config.json'),
    weights: [join(folder, 'model.safetensors')],
    tokenizer: undefined,
  };
}

function start(
  shape: StudentShape,
  classNames: readonly string[],
  files: { config: string; weights: readonly string[]; tokenizer: string | undefined },
) {
  return startWeights(
    { specs: architectureOf(shape.architecture).parameters(shape), shape, classNames },
    {
      seed: 1,
      initFrom: undefined,
      initialise: { settings: { from: 'a folder' }, files },
      tokenizer: undefined,
    },
  );
}
