import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { type Metrics, readMetrics } from '#datasets/metrics.ts';
import { hintFor } from '#datasets/nearest-name.ts';
import type { LoadedConfig } from './config.ts';
import { ConfigError } from './config-sources.ts';
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
  const problems = gatesOf(loaded)
    .map(([name]) => name)
    .filter((name) => FIGURES[name] === undefined && classFigure(name) === undefined)
    .map((name) => ({ path: `gate.${name}`, problem: `no figure; ${hintFor(name, KNOWN)}` }));
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
  const others = { teacher: measured.get('teacher'), goldOnly: goldOnlyOf(loaded, measured) };
  const failed = gate.flatMap(([name, least]) => {
    const value = figureOf(name, student, others);
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

function figureOf(name: string, student: Metrics, others: Others): number | undefined {
  const figure = FIGURES[name];
  if (figure !== undefined) return figure(student, others);
  const { kind, label } = classFigure(name) ?? {};
  return kind && student.perClass.find((row) => row.label === label)?.[kind];
}

/** `recall.card_arrival` and its like. */
function classFigure(name: string) {
  const [, kind, label] = /^(precision|recall|f1)\.(.+)$/s.exec(name) ?? [];
  if (label === undefined) return undefined;
  return { kind: kind as 'precision' | 'recall' | 'f1', label };
}

async function metricsOf(artifacts: ReadonlyMap<string, Artifact>): Promise<Map<string, Metrics>> {
  const measured = new Map<string, Metrics>();
  for (const [instance, { folder }] of artifacts) {
    const [stage, name] = instance.split(':');
    if (stage === 'evaluate' && name !== undefined) {
      measured.set(name, await readMetrics(outputFolder(folder, 'metrics')));
    }
  }
  return measured;
}

function goldOnlyOf({ config }: LoadedConfig, measured: ReadonlyMap<string, Metrics>) {
  const names = Object.entries(config.variants).filter(
    ([, { softLossWeight }]) => (softLossWeight ?? config.student.softLossWeight) === 0,
  );
  return names
    .flatMap(([name]) => measured.get(name) ?? [])
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

const KNOWN = [...Object.keys(FIGURES), 'precision.CLASS', 'recall.CLASS', 'f1.CLASS'];
