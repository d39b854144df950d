import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { digestOf } from '#cache/digest.ts';
import { Failure } from '#cache/failure.ts';
import type { OwnSoftLoss } from '#stages/tensorflow/own-soft-loss.ts';
import { TARGET_FORMS, type TargetForm } from '#stages/tensorflow/soft-loss-examples.ts';

/** A soft loss of the user's own, from a module that exports `softLoss` and `forms`. */
export interface OwnLoss {
  readonly path: string;
  /** Of the module's text. */
  readonly digest: string;
  readonly softLoss: OwnSoftLoss;
  /** Forms of soft labels that it reads. */
  readonly forms: readonly TargetForm[];
}

/** A module does not give a soft loss. */
export class SoftLossModuleError extends Failure {
  constructor(path: string, problem: string, fix: string, options?: ErrorOptions) {
    super('usage', 'E_SOFT_LOSS_MODULE', `${path}: ${problem}`, fix, options);
  }
}

/** Loads a loss by the path of its module. */
export async function loadOwnLoss(path: string): Promise<OwnLoss> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new SoftLossModuleError(path, error.message, 'set softLoss.module to a file', {
      cause: error,
    });
  });
  refuseNeighbours(path, text);
  const module = await importModule(path);
  const read = exported.safeParse(module);
  if (!read.success) throw new SoftLossModuleError(path, z.prettifyError(read.error), CONTRACT);
  const { softLoss, forms } = read.data;
  return { path, digest: digestOf(Buffer.from(text)), softLoss, forms };
}

/** What it imports from files beside it would change unseen: the fingerprint knows one file. */
function refuseNeighbours(path: string, text: string): void {
  const [, name] = /^\s*(?:import|export)\s(?!type\b)[^'"]*['"](\.[^'"]*)['"]/m.exec(text) ?? [];
  if (name === undefined) return;
  throw new SoftLossModuleError(
    path,
    `it imports ${name}, and a student becomes stale by a change of this file alone`,
    'keep the loss in one file; types may come from others (import type)',
  );
}

async function importModule(path: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    throw new SoftLossModuleError(path, `it cannot be loaded: ${String(error)}`, CONTRACT, {
      cause: error,
    });
  }
}

const exported = z.object({
  softLoss: z.custom<OwnSoftLoss>(
    (value) => typeof value === 'function',
    'export a function softLoss',
  ),
  forms: z
    .array(z.enum(TARGET_FORMS), 'export an array forms, such as ["dense", "top-k"]')
    .min(1)
    .readonly(),
});

const CONTRACT =
  'export softLoss (tf, { studentLogits, targets }) => losses of the rows, and forms: the forms of soft labels that it reads. Look at it with: decant loss check MODULE';
