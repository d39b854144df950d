import { createInstance, type StageInstance } from '#pipeline/wiring/graph.ts';
import { seedSpread } from '#stages/seed-spread/index.ts';
import { candidatesOf } from './auto-student.ts';
import type { LoadedConfig } from './config.ts';
import type { DecantConfig } from './config-schema.ts';
import { ConfigError, type ConfigProblem } from './config-sources.ts';

/** Seeds that a variant is trained with, where it is trained more than once; one of its own goes before all. */
export function seedsOf(
  { student, variants }: Pick<DecantConfig, 'student' | 'variants'>,
  variant: string,
): readonly [first: number, ...others: number[]] | undefined {
  const own = variants[variant];
  const [first, ...others] =
    own?.seeds ?? (own?.seed === undefined ? student.seeds : undefined) ?? [];
  return first === undefined ? undefined : [first, ...others];
}

/** Names of the students of a variant, or of a control: the first seed goes by its own name. */
export function seedNames(
  config: Pick<DecantConfig, 'student' | 'variants'>,
  variant: string,
  name: string = variant,
): string[] {
  const [, ...others] = seedsOf(config, variant) ?? [0];
  return [name, ...others.map((seed) => seedName(name, seed))];
}

/** Name of the student with another seed than the first; no variant can have it. */
export function seedName(name: string, seed: number): string {
  return `${name}.seed${seed}`;
}

/** Is it the training of a student with another seed than the first, which works where that one works? */
export function isFurtherSeed(instance: string): boolean {
  return /^train-student:.+\.seed\d+$/.test(instance);
}

/** Refuses seeds beside a seed, and several students where one is chosen among architectures. */
export function refuseSeeds(loaded: LoadedConfig): void {
  const { student, variants } = loaded.config;
  const sections = Object.entries({
    student,
    ...Object.fromEntries(
      Object.entries(variants).map(([name, variant]) => [`variants.${name}`, variant]),
    ),
  });
  const problems = sections.flatMap(([path, { seed, seeds }]): ConfigProblem[] =>
    seed === undefined || seeds === undefined
      ? []
      : [{ path: `${path}.seeds`, problem: 'stands beside seed: keep one of the two' }],
  );
  const chosen = Object.keys(variants).filter(
    (name) => candidatesOf(loaded.config, name).length > 0 && seedsOf(loaded.config, name),
  );
  problems.push(
    ...chosen.map((name) => ({
      path: `variants.${name}.seeds`,
      problem:
        'architecture: auto takes one student by validation, which several seeds would have to share: name an architecture',
    })),
  );
  if (problems.length > 0) throw new ConfigError(loaded.file, problems);
}

/** Puts the figures of the students of a variant together. */
export function spreadInstance(name: string, students: readonly string[]): StageInstance {
  return createInstance(`seed-spread:${name}`, seedSpread, {
    config: { name, students },
    files: {},
    inputs: Object.fromEntries(
      students.map((student) => [
        `metrics.${student}`,
        { instance: `evaluate:${student}`, output: 'metrics' },
      ]),
    ),
  });
}
