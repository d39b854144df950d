import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { type AnyMetrics, isOfValues, type Metrics, readAnyMetrics } from '#datasets/metrics.ts';
import { hintFor } from '#datasets/nearest-name.ts';
import { isLanguageModel, isValueTask, type Task } from '#datasets/task.ts';
import { ERRORS, FIGURES_OF } from '#datasets/value-metrics.ts';
import type { LoadedConfig } from './config.ts';
import { ConfigError } from './config-sources.ts';
import { LANGUAGE_FIGURES, languageFigure } from './language-gate.ts';
import { exportedVariant, variantOrder } from './variants.ts';

/** The exported student is not good enough for the `gate` of decant.yaml. */
export class GateError extends Failure {
  constructor(variant: string, failed: readonly string[]) {
    super(
      'gate',
      'E_GATE',
      `${variant} does not pass the gate: ${failed.join('; ')}`,
      'everything is kept: look at the report; do not deploy this student, or change `gate`',
    );
  }
}

/** Checks the names of the `gate` setting before anything runs; class names are known afterwards only. */
export function checkGate(loaded: LoadedConfig): void {
  const known = knownFigures(loaded.config.task);
  const problems = gatesOf(loaded)
    .map(([name]) => name)
    .filter((name) => !known.includes(name) && !known.includes(classFigure(name)?.pattern ?? ''))
    .map((name) => ({ path: `gate.${name}`, problem: `no figure; ${hintFor(name, known)}` }));
  if (problems.length > 0) throw new ConfigError(loaded.file, problems);
}

/** Throws when a figure of the exported student on the test split is below its gate. */
export async function requireGate(
  loaded: LoadedConfig,
  artifacts: ReadonlyMap<string, Artifact>,
): Promise<void> {
  const gate = gatesOf(loaded);
  const variant = exportedVariant(loaded.config, variantOrder(loaded));
  const measured = await metricsOf(artifacts);
  const student = measured.get(variant);
  // A run of single stages may not have measured anything.
  if (gate.length === 0 || student === undefined) return;
  const classifiers = new Map(
    [...measured].flatMap(([name, one]) => (isOfValues(one) ? [] : [[name, one] as const])),
  );
  const others = {
    teacher: classifiers.get('teacher'),
    goldOnly: goldOnlyOf(loaded, classifiers),
  };
  const figure = (name: string) =>
    isOfValues(student) && isLanguageModel(student.task)
      ? languageFigure(name, student, {
          teacher: measured.get('teacher'),
          goldOnly: goldOnlyNames(loaded).flatMap((one) => measured.get(one) ?? []),
        })
      : figureOf(name, student, others);
  const failed = gate.flatMap(([name, least]) => {
    const value = figure(name);
    if (value !== undefined && value >= least) return [];
    return [`${name} is ${value === undefined ? 'not known' : value.toFixed(4)}, wanted ${least}`];
  });
  if (failed.length > 0) throw new GateError(variant, failed);
}

/** Names and least values; `recall: { fraud: 0.9 }` is `recall.fraud: 0.9`. */
function gatesOf({ config }: LoadedConfig): [name: string, least: number][] {
  return Object.entries(config.gate ?? {}).flatMap(([name, gate]): [string, number][] =>
    typeof gate === 'number'
      ? [[name, gate]]
      : Object.entries(gate).map(([label, least]) => [`${name}.${label}`, least]),
  );
}

interface Others {
  readonly teacher: Metrics | undefined;
  /** The best variant that learns from gold labels only. */
  readonly goldOnly: Metrics | undefined;
}

/** Only what is better when it is more: a gate is a least value. */
function knownFigures(task: Task): readonly string[] {
  if (isLanguageModel(task)) return LANGUAGE_FIGURES;
  if (!isValueTask(task)) return KNOWN;
  const figures = FIGURES_OF[task].filter((name) => !ERRORS.has(name));
  const ofClasses = task === 'multi-label' ? CLASS_FIGURES : [];
  return [...figures, 'agreement', ...ofClasses];
}

function figureOf(name: string, student: AnyMetrics, others: Others): number | undefined {
  if (isOfValues(student)) {
    const { kind, label } = classFigure(name) ?? {};
    const ofClass = kind && student.perClass.find((row) => row.label === label)?.[kind];
    const own = name === 'agreement' ? student.agreement : student.figures[name];
    return ofClass ?? own ?? undefined;
  }
  const figure = FIGURES[name];
  if (figure !== undefined) return figure(student, others);
  const { kind, label } = classFigure(name) ?? {};
  return kind && student.perClass.find((row) => row.label === label)?.[kind];
}

/** `recall.card_arrival` and its like. */
function classFigure(name: string) {
  const [, kind, label] = /^(precision|recall|f1)\.(.+)$/s.exec(name) ?? [];
  if (label === undefined) return undefined;
  return { kind: kind as 'precision' | 'recall' | 'f1', label, pattern: `${kind}.CLASS` };
}

async function metricsOf(
  artifacts: ReadonlyMap<string, Artifact>,
): Promise<Map<string, AnyMetrics>> {
  const measured = new Map<string, AnyMetrics>();
  for (const [instance, { folder }] of artifacts) {
    const [stage, name] = instance.split(':');
    if (stage === 'evaluate' && name !== undefined) {
      measured.set(name, await readAnyMetrics(outputFolder(folder, 'metrics')));
    }
  }
  return measured;
}

function goldOnlyNames({ config }: LoadedConfig): string[] {
  return Object.entries(config.variants)
    .filter(([, { softLossWeight }]) => (softLossWeight ?? config.student.softLossWeight) === 0)
    .map(([name]) => name);
}

function goldOnlyOf(loaded: LoadedConfig, measured: ReadonlyMap<string, Metrics>) {
  return goldOnlyNames(loaded)
    .flatMap((name) => measured.get(name) ?? [])
    .toSorted((a, b) => b.accuracy - a.accuracy)[0];
}

const FIGURES: Readonly<Record<string, (student: Metrics, others: Others) => number | undefined>> =
  {
    accuracy: ({ accuracy }) => accuracy,
    macroF1: ({ macroF1 }) => macroF1,
    entityF1: ({ words }) => words?.entities?.f1,
    agreement: ({ agreement }) => agreement ?? undefined,
    accuracyVsTeacher: ({ accuracy }, { teacher }) => teacher && accuracy / teacher.accuracy,
    gainOverGoldOnly: ({ accuracy }, { goldOnly }) => goldOnly && accuracy - goldOnly.accuracy,
  };

const CLASS_FIGURES = ['precision.CLASS', 'recall.CLASS', 'f1.CLASS'];
const KNOWN = [...Object.keys(FIGURES), ...CLASS_FIGURES];
