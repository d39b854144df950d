import { defineStage } from '#stages/stage.ts';
import { softLabelConfig } from './settings.ts';

/** Stage one: the teacher sees every row once; what it says is kept in Parquet. Never reads a label. */
export const softLabel = defineStage({
  name: 'soft-label',
  version: 1,
  configSchema: softLabelConfig,
  // `device` may change last bits between providers; each file names its own, so it is no part of the recipe.
  speedKnobs: ['device', 'deviceId', 'strict', 'threads', 'tokenBudget', 'gather', 'licenses'],
  outputs: {
    'rows/train': { formatVersion: 1 },
    'rows/validation': { formatVersion: 1 },
    'rows/test': { formatVersion: 1 },
    classes: { formatVersion: 1 },
  },

  describePartial: async (outputs) => {
    const { describeShards } = await import('./finished-shards.ts');
    return describeShards(outputs);
  },

  async *run(context) {
    const { runSoftLabel } = await import('./run.ts');
    yield* runSoftLabel(context);
  },
});
