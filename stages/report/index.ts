import { defineStage } from '#stages/stage.ts';
import { type ReportConfig, reportConfig } from './config.ts';

/** One page for people: what was bought for what, and how to get it again. */
export const report = defineStage<ReportConfig>({
  name: 'report',
  version: 2,
  configSchema: reportConfig,
  speedKnobs: [],
  // Latency stands in it, and that is never equal twice.
  outputs: { report: { formatVersion: 1, volatile: ['report.html'] } },

  async *run(context) {
    const { runReport } = await import('./run.ts');
    yield* runReport(context);
  },
});
