import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { type ReportConfig } from './config.ts';
import { gather } from './gather.ts';
import { gatherValues } from './gather-values.ts';
import { reportPage } from './page.ts';
import { valuesPage } from './values-page.ts';

/** One page for people: what was bought for what, and how to get it again. */
export async function* runReport(
  context: StageContext<ReportConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const values = await gatherValues(context);
  const page = values === undefined ? reportPage(await gather(context)) : valuesPage(values);
  context.signal.throwIfAborted();
  await writeFileAtomic(join(outputOf(context, 'report'), 'report.html'), page);
  yield { type: 'count', name: 'bytes', value: Buffer.byteLength(page) };
}
