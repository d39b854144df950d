import { defineStage } from '#stages/stage.ts';
import { type ChooseStudentConfig, chooseStudentConfig } from './settings.ts';

/** Takes the smallest of several students that is as good as the best of them on validation. */
export const chooseStudent = defineStage<ChooseStudentConfig>({
  name: 'choose-student',
  version: 1,
  configSchema: chooseStudentConfig,
  speedKnobs: [],
  outputs: {
    choice: { formatVersion: 1 },
    student: { formatVersion: 1 },
    predictions: { formatVersion: 1 },
    log: { formatVersion: 1, volatile: ['metrics.jsonl'] },
  },

  // One candidate is chosen without a look at labels, of which a few rows may have none.
  rehearsal: ({ candidates, ...config }) => ({ ...config, candidates: candidates.slice(0, 1) }),

  async *run(context) {
    const { runChooseStudent } = await import('./run.ts');
    yield* runChooseStudent(context);
  },
});
