import { Failure } from '#cache/failure.ts';
import { isValueTask } from '#datasets/task.ts';
import type { SoftLossKind } from '#stages/tensorflow/soft-loss-kind.ts';
import { softLossOf } from '#stages/train-student/settings/losses.ts';
import type { Settings } from '#stages/train-student/settings.ts';
import type { SoftLayout } from '#stages/train-student/targets/soft-targets.ts';
import { classWeightsOf, type WeighedGold } from './class-weights.ts';
import { loadOwnLoss } from './own-loss.ts';
import type { StepLosses } from './step-loss.ts';

/** The losses of a training, and the digest of the module where one of them is the user's own. */
export interface StudentLosses extends Omit<StepLosses, 'labelSmoothing'> {
  readonly moduleDigest: string | undefined;
}

/** The soft labels are of a form that the loss cannot read. */
export class SoftLossFormError extends Failure {
  constructor(loss: string, form: SoftLayout['type'], why: string, fix: string) {
    super(
      'usage',
      'E_SOFT_LOSS_FORM',
      `softLoss ${loss}: the soft labels are ${form}, and ${why}`,
      fix,
    );
  }
}

/** The losses that the settings ask for; refuses what the soft labels cannot feed. */
export async function studentLosses(
  settings: Settings,
  gold: WeighedGold,
  { soft, module }: { readonly soft: SoftLayout | null; readonly module: string | undefined },
): Promise<StudentLosses> {
  const classWeights = classWeightsOf(settings, gold);
  const kind = softLossOf(settings);
  if (kind !== null) {
    if (soft !== null && !isValueTask(settings.task)) requireForm(kind, soft.type);
    return { softLoss: kind, classWeights, moduleDigest: undefined };
  }
  if (module === undefined)
    throw new Error('softLoss is a module, and the stage was given no file');
  const own = await loadOwnLoss(module);
  if (soft !== null && !own.forms.includes(soft.type)) {
    const why = `the module reads ${own.forms.join(', ')}`;
    const fix = `let ${module} read it too (forms), or keep another form: soft-label.keep`;
    throw new SoftLossFormError(module, soft.type, why, fix);
  }
  return { softLoss: own.softLoss, classWeights, moduleDigest: own.digest };
}

function requireForm({ name }: SoftLossKind, form: SoftLayout['type']): void {
  if (form !== 'sampled' || name === 'forward-kl' || name === 'jensen-shannon') return;
  const why =
    name === 'mse' ? 'draws have no logits' : 'draws give most classes no probability to divide by';
  const fix = 'set softLoss: forward-kl or jensen-shannon, or soft-label.keep: top-k';
  throw new SoftLossFormError(name, form, why, fix);
}
