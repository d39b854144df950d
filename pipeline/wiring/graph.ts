import { existsSync } from 'node:fs';
import type { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import type { Split } from '#datasets/example.ts';
import type { Stage } from '#stages/stage.ts';

/** A stage whose config type the pipeline does not need to know. */
export type AnyStage = Stage<unknown>;

/** An output of another instance. */
export interface InputReference {
  readonly instance: string;
  readonly output: string;
}

/** One node of the plan: a stage with its settings, such as `train-student:distilled`. */
export interface StageInstance {
  readonly name: string;
  readonly stage: AnyStage;
  /** Parsed by the stage's own schema. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Files outside the store whose content decides the result. */
  readonly files: Readonly<Record<string, readonly string[]>>;
  /** The same for files that need not be there: a missing one counts as not asked for. */
  readonly optionalFiles?: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, InputReference>>;
  /** Fingerprint, or its beginning, of the artifact to use as it is. */
  readonly pinned?: string;
}

/** Makes an instance; its settings are completed and checked by the stage's own schema. */
export function createInstance(
  name: string,
  stage: AnyStage,
  parts: Pick<StageInstance, 'config' | 'files' | 'optionalFiles' | 'inputs'>,
): StageInstance {
  const given = Object.entries(parts.config).filter(([, value]) => value !== undefined);
  const parsed = stage.configSchema.safeParse(Object.fromEntries(given));
  if (!parsed.success) throw new StageSettingsError(name, parsed.error);
  return { ...parts, name, stage, config: parsed.data as Record<string, unknown> };
}

/** The outputs of these splits of an instance, by their own names: `labels/train`. */
export function perSplit(
  splits: readonly Split[],
  from: string,
  output: string,
): Record<string, InputReference> {
  return Object.fromEntries(
    splits.map((split) => [`${output}/${split}`, { instance: from, output: `${output}/${split}` }]),
  );
}

/** All files of an instance that are there now. Asked under the lock, not when the graph is laid out. */
export function filesOf({ files, optionalFiles = {} }: StageInstance): StageInstance['files'] {
  const present = Object.entries(optionalFiles).filter(([, path]) => existsSync(path));
  return { ...files, ...Object.fromEntries(present.map(([name, path]) => [name, [path]])) };
}

/** Settings that are right one by one but not together, such as heads that do not divide hiddenSize. */
class StageSettingsError extends Failure {
  constructor(instance: string, error: z.ZodError) {
    const problems = error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    super('usage', 'E_CONFIG', `${instance}:\n${problems.join('\n')}`, 'correct decant.yaml');
  }
}

/** The same instances, each after those that it reads from, otherwise in the order given. */
export function inOrder(instances: readonly StageInstance[]): StageInstance[] {
  const byName = new Map(instances.map((one) => [one.name, one]));
  const ordered = new Set<StageInstance>();
  const visit = (one: StageInstance): void => {
    if (ordered.has(one)) return;
    for (const ref of Object.values(one.inputs)) {
      const needed = byName.get(ref.instance);
      if (needed !== undefined) visit(needed);
    }
    ordered.add(one);
  };
  for (const one of instances) visit(one);
  return [...ordered];
}
