import { defineStage } from '#stages/stage.ts';
import { EVENT_FILE_PREFIX } from '#stages/tensorboard/event-file.ts';
import { type TrainStudentConfig, trainStudentConfig } from './settings.ts';
import { speedKnobs } from './training-recipe.ts';

/** Trains a student from cached soft labels and gold labels; the teacher is not needed any more. */
export const trainStudent = defineStage<TrainStudentConfig>({
  name: 'train-student',
  version: 7,
  configSchema: trainStudentConfig,
  speedKnobs,
  outputs: {
    student: { formatVersion: 1 },
    predictions: { formatVersion: 1 },
    log: { formatVersion: 1, volatile: ['metrics.jsonl', EVENT_FILE_PREFIX] },
    checkpoints: { formatVersion: 1, volatile: ['checkpoint-'] },
  },

  rehearsal: (config) => ({ ...config, steps: 1, evaluateEvery: 1, checkpointEvery: 1 }),
  describePartial: async (outputs) => {
    const { checkpointedStep } = await import('./checkpoints/checkpoint-folder.ts');
    const step = await checkpointedStep(outputs['checkpoints'] ?? '');
    return step === null ? 'no checkpoint yet' : `checkpoint after step ${step}`;
  },

  async *run(context) {
    const { runTrainStudent } = await import('./run.ts');
    yield* runTrainStudent(context);
  },
});
