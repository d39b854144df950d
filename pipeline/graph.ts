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
  readonly inputs: Readonly<Record<string, InputReference>>;
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
