import { readClasses } from '#datasets/classes.ts';
import { readTokens } from '#datasets/tokens.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { settingsOf, trainStudentConfig } from '#stages/train-student/settings.ts';
import { readVocabulary, studentShape } from '#stages/train-student/student-shape.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { testAccuracy } from './test-accuracy.ts';

const [root = '', json = '{}', initFrom] = process.argv.slice(2);
const p = (n: string) => `${root}/prepare/${n}`;
const s = (n: string) => `${root}/soft-label/${n}`;
const inputs: Record<string, string> = {
  'tokens/student/train': p('tokens/student/train'),
  'tokens/student/validation': p('tokens/student/validation'),
  'labels/train': p('labels/train'),
  'labels/validation': p('labels/validation'),
  'tokenizer/student': p('tokenizer/student'),
  classes: p('classes'),
  'rows/train': s('rows/train'),
  'rows/validation': s('rows/validation'),
  ...(initFrom ? { initFrom } : {}),
};
const config = JSON.parse(json);
let t0 = 0;
let first = 0;
let last = 0;
let done0 = 0;
const verbose = process.env['VERBOSE'];
const begin = performance.now();
let best = 0;
const run = await runStage(trainStudent, {
  config,
  inputs,
  onEvent: (event) => {
    if (event.type === 'progress') {
      last = performance.now();
      if (!first) {
        first = last;
        done0 = event.done;
      }
      t0 = event.done;
      if (verbose && event.done % 250 === 0) console.log(event.done, event.detail);
    } else if (event.type === 'metric') {
      if (event.name === 'validationAccuracy') best = Math.max(best, event.value);
    } else if (verbose) console.log(JSON.stringify(event));
  },
});
const settings = settingsOf(trainStudentConfig.parse(config));
const tokens = await readTokens(p('tokens/student/train'));
const shape = studentShape(settings, await readVocabulary(p('tokenizer/student')), {
  classCount: (await readClasses(p('classes'))).length,
  maxLength: tokens.maxLength,
});
const end = performance.now();
const accuracy = await testAccuracy(run.outputs['student'] ?? '', shape, {
  tokens: p('tokens/student/test'),
  labels: p('labels/test'),
});
console.log(
  json,
  'test',
  (100 * accuracy).toFixed(2),
  'best val',
  (100 * best).toFixed(2),
  'ms/step',
  ((last - first) / (t0 - done0)).toFixed(1),
  'start',
  ((first - begin) / 1000).toFixed(1),
  'total',
  ((end - begin) / 1000).toFixed(1),
  run.notes.at(-1),
  run.notes[0],
);
