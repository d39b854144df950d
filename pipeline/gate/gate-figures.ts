import { CLASSIFIER_SLICE_FIGURES } from '#datasets/metrics/figures.ts';
import { FIGURES_OF } from '#datasets/metrics/value-metrics.ts';
import { hintFor } from '#datasets/nearest-name.ts';
import { isLanguageModel, isValueTask, type Task } from '#datasets/task.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { hiddenName } from '#stages/soft-label/settings.ts';
import { LANGUAGE_FIGURES } from './language-gate.ts';

/** Names and bounds; `recall: { fraud: 0.9 }` is `recall.fraud: 0.9`, and so on further down. */
export function gatesOf({
  gate = {},
}: Pick<DecantConfig, 'gate'>): [name: string, bound: number][] {
  const walk = (value: unknown, path: string): [string, number][] => {
    if (typeof value === 'number') return [[path, value]];
    return Object.entries(value ?? {}).flatMap(([key, nested]) => walk(nested, `${path}.${key}`));
  };
  return Object.entries(gate).flatMap(([name, value]) => walk(value, name));
}

/** What is wrong with the name of a gate before anything runs; undefined where nothing is. */
export function gateProblem(name: string, config: DecantConfig): string | undefined {
  const known = [...knownGates(config), ...gatesOfHeads(config)];
  const isKnown = known.some((pattern) => fits(name, pattern));
  return isKnown ? undefined : `no figure; ${hintFor(name, known)}`;
}

/** `heads.NAME.accuracy` and so on: what the student costs is told once. */
function gatesOfHeads(config: DecantConfig): string[] {
  return Object.entries(config.heads ?? {}).flatMap(([head, { task = 'classification', corpus }]) =>
    knownGates({
      ...config,
      task,
      corpus,
      evaluate: undefined,
      'soft-label': { ...config['soft-label'], hidden: undefined },
    })
      .filter((figure) => !COSTS.includes(figure))
      .map((figure) => `heads.${head}.${figure}`),
  );
}

/** CLASS and VALUE stand for a name. */
function knownGates(config: DecantConfig): string[] {
  const { task, evaluate = {}, corpus } = config;
  if (isLanguageModel(task)) return [...LANGUAGE_FIGURES, ...COSTS];
  const sliced = sliceFigures(task);
  const { slices = [], robustness = {} } = evaluate;
  return [
    ...(isValueTask(task) ? FIGURES_OF[task] : OF_CLASSIFIERS),
    ...BESIDE_OTHERS,
    ...COSTS,
    ...(task === 'regression' ? [] : classFigures(corpus.classNames)),
    ...(task === 'classification' ? ['slice.short.accuracy', 'slice.long.accuracy'] : []),
    ...slices.flatMap((column) => sliced.map((figure) => `slice.${column}.VALUE.${figure}`)),
    ...Object.keys(robustness).flatMap((name) =>
      sliced.map((figure) => `robustness.${name}.${figure}`),
    ),
    ...(config['soft-label'].hidden ?? []).map((tensor) => `linearCka.${hiddenName(tensor)}`),
  ];
}

function sliceFigures(task: Task): readonly string[] {
  return isValueTask(task) ? FIGURES_OF[task] : CLASSIFIER_SLICE_FIGURES;
}

/** Classes are known afterwards, unless decant.yaml names them. */
function classFigures(classNames: readonly string[] = ['CLASS']): string[] {
  return OF_CLASSES.flatMap((figure) => classNames.map((label) => `${figure}.${label}`));
}

/** Is it the name, or what the pattern stands for? */
function fits(name: string, pattern: string): boolean {
  const [before, after] = pattern.split(/\.(?:CLASS|VALUE)(?=\.|$)/);
  if (after === undefined || before === undefined) return name === pattern;
  const isAround = name.startsWith(`${before}.`) && name.endsWith(after);
  return isAround && name.length > before.length + after.length + 1;
}

const OF_CLASSIFIERS = [
  'accuracy',
  'macroF1',
  'meanAveragePrecision',
  'entityF1',
  'expectedCalibrationError',
  'negativeLogLikelihood',
  'areaUnderRisk',
];
const BESIDE_OTHERS = ['agreement', 'accuracyVsTeacher', 'gainOverGoldOnly'];
const COSTS = [
  'parameters',
  'fileMb',
  'latencyMsBatch1.p50',
  'latencyMsBatch1.p95',
  'latencyMsBatch32.p50',
  'latencyMsBatch32.p95',
  'rowsPerSecond',
];
const OF_CLASSES = ['precision', 'recall', 'f1', 'averagePrecision'];
