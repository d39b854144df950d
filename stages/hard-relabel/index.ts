import { defineStage } from '#stages/stage.ts';
import { type HardRelabelConfig, hardRelabelConfig } from './settings.ts';

/** Gives hard labels to train rows by what teacher and student say of them. No model runs here. */
export const hardRelabel = defineStage<HardRelabelConfig>({
  name: 'hard-relabel',
  version: 2,
  configSchema: hardRelabelConfig,
  speedKnobs: [],
  outputs: { 'hard-labels': { formatVersion: 1 } },

  async *run(context) {
    const { runHardRelabel } = await import('./run.ts');
    yield* runHardRelabel(context);
  },
});
