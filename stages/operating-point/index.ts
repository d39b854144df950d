import { defineStage } from '#stages/stage.ts';
import { type OperatingPointConfig, operatingPointConfig } from './settings.ts';

/** Says when the exported student is sure enough to be answered by, from validation rows alone. */
export const operatingPoint = defineStage<OperatingPointConfig>({
  name: 'operating-point',
  version: 1,
  configSchema: operatingPointConfig,
  speedKnobs: [],
  outputs: { 'operating-point': { formatVersion: 1 } },

  rehearsal: (config) => config,

  async *run(context) {
    const { runOperatingPoint } = await import('./run.ts');
    yield* runOperatingPoint(context);
  },
});
