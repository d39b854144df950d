import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { outputOf } from '#stages/folders.ts';
import { defineStage } from '#stages/stage.ts';
import { type ReportConfig, reportConfig } from './config.ts';
import { gather } from './gather.ts';
import { gatherValues } from './gather-values.ts';
import { reportPage } from './page.ts';
import { valuesPage } from './values-page.ts';

/** One page for people: what was bought for what, and how to get it again. */
export const report = defineStage<ReportConfig>({
  name: 'report',
  version: 1,
  configSchema: reportConfig,
  speedKnobs: [],
  // Latency stands in it, and that is never equal twice.
  outputs: { report: { formatVersion: 1, volatile: ['report.html'] } },

  async *run(context) {
    const values = await gatherValues(context);
    const page = values === undefined ? reportPage(await gather(context)) : valuesPage(values);
    context.signal.throwIfAborted();
    await writeFileAtomic(join(outputOf(context, 'report'), 'report.html'), page);
    yield { type: 'count', name: 'bytes', value: Buffer.byteLength(page) };
  },
});
