import { defineStage } from '#stages/stage.ts';
import { type EvaluateConfig, evaluateConfig } from './settings.ts';

/** Measures one model on the test split. The only stage that reads test labels. */
export const evaluate = defineStage<EvaluateConfig>({
  name: 'evaluate',
  version: 5,
  configSchema: evaluateConfig,
  // Logits on CPU do not depend on the number of threads, those on CUDA on which GPU; timings are volatile,
  // and a teacher's output is fetched to time it and for nothing else.
  speedKnobs: ['output', 'deviceId', 'threads', 'latencyRuns'],
  outputs: {
    metrics: { formatVersion: 1, volatile: ['timings.json'] },
    predictions: { formatVersion: 1 },
  },

  async *run(context) {
    const { runEvaluate } = await import('./run.ts');
    yield* runEvaluate(context);
  },
});
