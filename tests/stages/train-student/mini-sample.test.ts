import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readClasses } from '#datasets/classes.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { settingsOf, trainStudentConfig } from '#stages/train-student/settings.ts';
import { readVocabulary, studentShape } from '#stages/train-student/student-shape.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { type SampleInputs, sampleInputs } from '#tests/support/sample-inputs.ts';
import { testAccuracy } from './test-accuracy.ts';

const inMini = sampleInputs('mini', { topK: 3, temperatures: [1, 2] });
const drawn = sampleInputs('mini', { keep: 'sampled', samples: 50, temperatures: [1] });

test('590 unlabelled rows and a teacher are worth 8 points of test accuracy on the mini sample', async () => {
  const goldOnly = await trainAndTest({ softLossWeight: 0, hardLossWeight: 1 });
  const distilled = await trainAndTest({});
  assert.ok(distilled >= goldOnly + 0.08, `distilled ${distilled}, gold-only ${goldOnly}`);
});

test('fifty draws a row are worth as much as the distribution that they come from', async () => {
  const sampled = await trainAndTest({ temperature: 1 }, drawn);
  const exact = await trainAndTest({ temperature: 1 });
  assert.ok(sampled >= exact - 0.03, `sampled ${sampled}, exact ${exact}`);
});

test('a student of draws at one temperature cannot ask for another', async () => {
  await assert.rejects(trainAndTest({ temperature: 2 }, drawn), {
    message: 'temperature 2 is not in the soft labels: they hold 1',
    fix: /set student.temperature: 1, or decant run --set soft-label.temperatures='\[2\]'/,
  });
});

/** Trains on the sample with the inputs that the graph of stages gives, and no others. */
async function trainAndTest(
  variant: object,
  { prepared, softLabels }: SampleInputs = inMini,
): Promise<number> {
  const config = { ...variant, layers: 1, hiddenSize: 64, steps: 300, device: 'cpu' };
  const asked = new Set<string>();
  const inputs = new Proxy(declaredInputs({ prepared, softLabels }), {
    get(folders, name: string) {
      asked.add(name);
      return folders[name];
    },
  });
  const run = await runStage(trainStudent, { config, inputs });
  assert.ok(![...asked].some((name) => name.includes('test')), [...asked].join(', '));
  const shape = studentShape(
    settingsOf(trainStudentConfig.parse(config)),
    await readVocabulary(folderOf(prepared, 'tokenizer/student')),
    {
      classCount: (await readClasses(folderOf(prepared, 'classes'))).length,
      maxLength: (await readTokens(folderOf(prepared, 'tokens/student/train'))).maxLength,
    },
  );
  return testAccuracy(run.outputs['student'] ?? '', shape, {
    tokens: folderOf(prepared, 'tokens/student/test'),
    labels: folderOf(prepared, 'labels/test'),
  });
}

function declaredInputs({ prepared, softLabels }: SampleInputs): Record<string, string> {
  const ofPrepare = [
    'tokens/student/train',
    'tokens/student/validation',
    'labels/train',
    'labels/validation',
    'tokenizer/student',
    'classes',
  ];
  const ofTeacher = ['rows/train', 'rows/validation'];
  return Object.fromEntries([
    ...ofPrepare.map((name) => [name, folderOf(prepared, name)]),
    ...ofTeacher.map((name) => [name, folderOf(softLabels, name)]),
  ]);
}

function folderOf(outputs: Readonly<Record<string, string>>, name: string): string {
  const folder = outputs[name];
  assert.ok(folder !== undefined, name);
  return folder;
}
