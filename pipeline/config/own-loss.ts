import { resolve } from 'node:path';
import type { LossSettings } from '#stages/train-student/settings/losses.ts';

/** A soft loss of the user's own: its file decides what a student becomes, and the name of the file does not. */
export function ownLossOf(
  folder: string,
  { softLoss, isUsed }: Pick<LossSettings, 'softLoss'> & { readonly isUsed: boolean },
): {
  readonly files: Readonly<Record<string, readonly string[]>>;
  readonly settings: { readonly softLoss?: { readonly module: string } | undefined };
} {
  if (typeof softLoss !== 'object' || !('module' in softLoss)) return { files: {}, settings: {} };
  // A student that learns from gold alone does not become stale with the loss.
  if (!isUsed) return { files: {}, settings: { softLoss: undefined } };
  return {
    files: { softLoss: [resolve(folder, softLoss.module)] },
    settings: { softLoss: { module: 'softLoss' } },
  };
}
