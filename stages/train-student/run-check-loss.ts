import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { checkSoftLoss } from '#stages/tensorflow/check-soft-loss.ts';
import { loadTensorflow } from '#stages/tensorflow/runtime.ts';
import { loadOwnLoss } from './losses/own-loss.ts';

/** Checks the loss on every form that it says it reads, on the CPU. */
export async function* runCheckLoss(
  context: StageContext<object>,
): AsyncGenerator<StageEvent, void, void> {
  const { softLoss, forms } = await loadOwnLoss(context.files['softLoss']?.[0] ?? '');
  const { tf, version } = loadTensorflow({ device: 'cpu' });
  yield { type: 'environment', name: 'tensorflow', value: version };
  const checks = forms.flatMap((form) => checkSoftLoss(tf, softLoss, form));
  await writeFileAtomic(join(outputOf(context, 'check'), 'check.json'), JSON.stringify(checks));
}
