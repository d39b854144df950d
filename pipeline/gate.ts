import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { figuresIn } from '#datasets/figures.ts';
import { type AnyMetrics, isOfValues, readAnyMetrics } from '#datasets/metrics.ts';
import { nearestName } from '#datasets/nearest-name.ts';
import { isLanguageModel } from '#datasets/task.ts';
import { readDeployment } from '#stages/students/deployment.ts';
import { MODEL_FILES } from '#stages/students/student-folder.ts';
import type { LoadedConfig } from './config.ts';
import { ConfigError } from './config-sources.ts';
import { gateProblem, gatesOf } from './gate-figures.ts';
import { languageFigure } from './language-gate.ts';
import { int8Name } from './result-wiring.ts';
import { seedNames } from './seeds.ts';
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

/** Checks the names of the `gate` setting before anything runs; names of classes and values may be known afterwards only. */
export function checkGate(loaded: LoadedConfig): void {
  const problems = gatesOf(loaded.config).flatMap(([name]) => {
    const problem = gateProblem(name, loaded.config);
    return problem === undefined ? [] : [{ path: `gate.${name}`, problem }];
  });
  if (problems.length > 0) throw new ConfigError(loaded.file, problems);
}

/**
 * Throws when a figure of the exported student on the test split is below its gate: of the int8 file where that is
 * recommended. Of a variant with several seeds it is the mean over its students.
 */
export async function requireGate(
  loaded: LoadedConfig,
  artifacts: ReadonlyMap<string, Artifact>,
): Promise<void> {
  const { config } = loaded;
  const gate = gatesOf(config);
  const variant = exportedVariant(config, variantOrder(loaded));
  const measured = await metricsOf(artifacts);
  const deployed = await deployedName(variant, artifacts);
  const names = seedNames(config, variant).map((name) => (name === variant ? deployed : name));
  const students = names.flatMap((name) => measured.get(name) ?? []);
  // A run of single stages may not have measured anything.
  if (gate.length === 0 || students.length < names.length) return;
  const others = othersOf(loaded, measured);
  const found = students.map((student) => figuresFor(student, others));
  const failed = gate.flatMap(([name, least]) => {
    const values = found.flatMap((figures) => figures(name) ?? []);
    if (values.length < found.length) return [`${name} is not known${hint(name, students)}`];
    const value = mean(values);
    const of = values.length > 1 ? ` in the mean of ${values.length} seeds` : '';
    return value >= least ? [] : [`${name} is ${value.toFixed(4)}${of}, wanted ${least}`];
  });
  if (failed.length > 0) throw new GateError(deployed, failed);
}

/** Of the two files that an export may hold, the one that it recommends is what is measured. */
async function deployedName(
  variant: string,
  artifacts: ReadonlyMap<string, Artifact>,
): Promise<string> {
  const artifact = artifacts.get(`export-student:${variant}`);
  if (artifact === undefined) return variant;
  const { recommended_file } = await readDeployment(outputFolder(artifact.folder, 'student'));
  return recommended_file?.file === MODEL_FILES.int8 ? int8Name(variant) : variant;
}

/** What the exported student stands beside. */
interface Others {
  readonly teacher: AnyMetrics | undefined;
  /** Variants that learn from gold labels only: the students of each, one a seed. */
  readonly goldOnly: readonly (readonly AnyMetrics[])[];
}

function othersOf({ config }: LoadedConfig, measured: ReadonlyMap<string, AnyMetrics>): Others {
  const goldOnly = Object.entries(config.variants)
    .filter(([, { softLossWeight }]) => (softLossWeight ?? config.student.softLossWeight) === 0)
    .map(([name]) => seedNames(config, name).flatMap((one) => measured.get(one) ?? []));
  return {
    teacher: measured.get('teacher'),
    goldOnly: goldOnly.filter((students) => students.length > 0),
  };
}

/** The figures of one student by the names of gates; undefined where one cannot be told. */
function figuresFor(student: AnyMetrics, others: Others): (name: string) => number | undefined {
  if (isOfValues(student) && isLanguageModel(student.task)) {
    return (name) => languageFigure(name, student, others);
  }
  const figures = figuresIn(student);
  const accuracy = figures.get('accuracy');
  const ofTeacher = others.teacher && figuresIn(others.teacher).get('accuracy');
  const ofGold = others.goldOnly.flatMap((students) => {
    const values = students.flatMap((one) => figuresIn(one).get('accuracy') ?? []);
    return values.length === 0 ? [] : [mean(values)];
  });
  if (accuracy !== undefined && ofTeacher !== undefined) {
    figures.set('accuracyVsTeacher', accuracy / ofTeacher);
  }
  if (accuracy !== undefined && ofGold.length > 0) {
    figures.set('gainOverGoldOnly', accuracy - Math.max(...ofGold));
  }
  return (name) => figures.get(name);
}

/** The nearest figure that there is, where a class or a value is misspelt. */
function hint(name: string, students: readonly AnyMetrics[]): string {
  const known = students.flatMap((student) => [...figuresIn(student).keys()]);
  const near = nearestName(name, known);
  return near === undefined || near === name ? '' : ` (did you mean ${near}?)`;
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

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
