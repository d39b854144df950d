import { defineStage } from '#stages/stage.ts';
import { type FitHeadConfig, fitHeadConfig } from './settings.ts';

/**
 * Makes a teacher of a sentence encoder: a linear softmax head is fitted on the gold labels of train, and
 * validation chooses how strongly it is regularised. The head is appended to the encoder's own bytes, so
 * that stage one, which never reads a label, meets a classifier like any other. No test row is read.
 */
export const fitHead = defineStage<FitHeadConfig>({
  name: 'fit-head',
  version: 1,
  configSchema: fitHeadConfig,
  speedKnobs: ['device', 'deviceId', 'threads'],
  outputs: { teacher: { formatVersion: 1 }, fit: { formatVersion: 1 } },

  async *run(context) {
    const { runFitHead } = await import('./run.ts');
    yield* runFitHead(context);
  },
});
