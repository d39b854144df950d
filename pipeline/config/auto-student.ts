import { isLanguageModel } from '#datasets/task.ts';
import { taskSetting } from '#pipeline/limits/task-limits.ts';
import {
  createInstance,
  type InputReference,
  perSplit,
  type StageInstance,
} from '#pipeline/wiring/graph.ts';
import { chooseStudent } from '#stages/choose-student/index.ts';
import type { DecantConfig } from './config-schema.ts';

/** A configuration before `architecture: auto` is spelled out; only what that looks at. */
type Before = Pick<DecantConfig, 'task' | 'corpus' | 'student' | 'variants'>;

/**
 * The configuration with a variant for each architecture that `auto` stands for: NAME becomes NAME-bag,
 * NAME-textcnn and so on, of which the stage choose-student:NAME takes one. A variant that starts from another
 * one starts from that one's student of its own architecture.
 */
export function withCandidates<Config extends Before>(config: Config): Config {
  const variants = Object.entries(config.variants).flatMap(([name, variant]) => {
    const own = candidatesOf(config, name).map(({ architecture, name: candidate }) => {
      const { initFrom } = variant;
      const start =
        initFrom !== undefined && candidatesOf(config, initFrom).length > 0
          ? { initFrom: candidateName(initFrom, architecture) }
          : {};
      return [candidate, { ...variant, ...start, architecture }] as const;
    });
    return [...own, [name, variant] as const];
  });
  return { ...config, variants: Object.fromEntries(variants) };
}

/** Variants that stand for the architectures of an `auto` one; none where it names its own. */
export function candidatesOf(
  config: Before,
  name: string,
): readonly { readonly name: string; readonly architecture: Architecture }[] {
  if (!isAuto(config, name) || isLanguageModel(config.task)) return [];
  return architecturesFor(config).map((architecture) => ({
    architecture,
    name: candidateName(name, architecture),
  }));
}

/** Names that `auto` needs and that variants of the file have already. */
export function takenNames(config: Before): string[] {
  return Object.keys(config.variants).flatMap((name) =>
    candidatesOf(config, name)
      .map((candidate) => candidate.name)
      .filter((candidate) => Object.hasOwn(config.variants, candidate)),
  );
}

/** The instance whose output is the student of a variant. */
export function studentInstance(config: Before, name: string): string {
  return candidatesOf(config, name).length > 0 ? `choose-student:${name}` : `train-student:${name}`;
}

/** Chooses among the candidates of an `auto` variant. */
export function chooseInstance(config: DecantConfig, name: string): StageInstance {
  const names = candidatesOf(config, name).map((candidate) => candidate.name);
  const of = (output: string): [string, InputReference][] =>
    names.map((candidate) => [
      `${output}.${candidate}`,
      { instance: `train-student:${candidate}`, output },
    ]);
  return createInstance(`choose-student:${name}`, chooseStudent, {
    config: { candidates: names, task: taskSetting(config) },
    files: {},
    inputs: {
      ...Object.fromEntries(['student', 'predictions', 'log'].flatMap(of)),
      ...perSplit(['validation'], 'prepare', 'labels'),
    },
  });
}

function isAuto({ student, variants }: Before, name: string): boolean {
  const variant = variants[name];
  // Controls and students of further seeds stand beside a variant and are none.
  return variant !== undefined && (variant.architecture ?? student.architecture) === 'auto';
}

/** From small to large: those that can read the rows and answer the task. */
function architecturesFor({ task, corpus }: Before): readonly Architecture[] {
  const { text, tensors } = corpus.columns;
  if (text === null) return ['mlp', 'cnn'];
  if (tensors !== undefined) return ['bag', 'textcnn'];
  return task === 'token-classification'
    ? ['bert', 'modernbert']
    : ['bag', 'textcnn', 'modernbert'];
}

function candidateName(name: string, architecture: Architecture): string {
  return `${name}-${architecture}`;
}

type Architecture = 'bag' | 'textcnn' | 'bert' | 'modernbert' | 'mlp' | 'cnn';
