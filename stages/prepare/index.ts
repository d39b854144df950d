import { SPLITS } from '#datasets/example.ts';
import { defineStage } from '#stages/stage.ts';
import { prepareConfigSchema } from './config.ts';

/** Reads the corpus and makes of it what every other stage reads: examples, labels, classes, tokens. */
export const prepare = defineStage({
  name: 'prepare',
  version: 1,
  configSchema: prepareConfigSchema,
  speedKnobs: [],
  outputs: Object.fromEntries(outputNames().map((name) => [name, { formatVersion: 1 }])),

  async *run(context) {
    const { runPrepare } = await import('./run.ts');
    yield* runPrepare(context);
  },
});

function outputNames(): string[] {
  return [
    ...['inputs', 'labels', 'tokens/teacher', 'tokens/student'].flatMap((kind) =>
      SPLITS.map((split) => `${kind}/${split}`),
    ),
    'inputs/views',
    'tokens/teacher/views',
    'tokens/student/views',
    'classes',
    'tokenizer/student',
    'rejects',
  ];
}
