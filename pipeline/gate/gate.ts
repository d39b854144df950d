import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { costsIn, figuresIn, isBetterWhenLess, leadFigure } from '#datasets/metrics/figures.ts';
import {
  type AnyMetrics,
  isOfValues,
  readAnyMetrics,
  readTimings,
  type Timings,
} from '#datasets/metrics/metrics.ts';
import { nearestName } from '#datasets/nearest-name.ts';
import { isLanguageModel } from '#datasets/task.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import { ConfigError } from '#pipeline/config/config-sources.ts';
import { seedNames } from '#pipeline/config/seeds.ts';
import { exportedVariant, goldOnlyVariant, variantOrder } from '#pipeline/config/variants.ts';
import { MAIN_TEACHER } from '#pipeline/teachers/teachers.ts';
import { headResultName } from '#pipeline/wiring/head-wiring.ts';
import { int8Name } from '#pipeline/wiring/result-wiring.ts';
import { readDeployment } from '#stages/students/deployment.ts';
import { MODEL_FILES } from '#stages/students/student-folder.ts';
import { gateProblem, gatesOf } from './gate-figures.ts';
import { languageComparisons } from './language-gate.ts';

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
 * Throws when a figure of the exported student on the test split is on the wrong side of its gate: below it, or above
 * it where less is better; of the int8 file where that is recommended. Of a variant with several seeds it is the mean over its students.
 * @throws GateError
 */
export async function requireGate(
  loaded: LoadedConfig,
  artifacts: ReadonlyMap<string, Pick<Artifact, 'folder'>>,
): Promise<void> {
  const { config } = loaded;
  const gate = gatesOf(config);
  const order = variantOrder(loaded);
  const variant = exportedVariant(config, order);
  const measured = await measuredIn(artifacts);
  const deployed = await deployedName(variant, artifacts);
  const studentsOf = (name: string) =>
    seedNames(config, name).map((one) => (one === variant ? deployed : one));
  const students = studentsOf(variant);
  // A run of single stages may not have measured anything.
  if (gate.length === 0 || students.some((name) => !measured.has(name))) return;
  const goldOnly = goldOnlyVariant(config, order);
  const figuresOf = (student: string, nameOf: (model: string) => string) => {
    const own = measured.get(nameOf(student));
    const yardsticks = goldOnly === undefined ? [] : studentsOf(goldOnly);
    return own === undefined
      ? []
      : figuresBeside(own, {
          teacher: measured.get(nameOf(MAIN_TEACHER))?.metrics,
          goldOnly: yardsticks.flatMap((name) => measured.get(nameOf(name))?.metrics ?? []),
        });
  };
  const heads = Object.keys(config.heads ?? {});
  const found = students.map((student) => {
    const ofHeads = heads.flatMap((head) =>
      [...figuresOf(student, (model) => headResultName(model, head))].map(
        ([figure, value]): [string, number] => [`heads.${head}.${figure}`, value],
      ),
    );
    return new Map([...figuresOf(student, (model) => model), ...ofHeads]);
  });
  const failed = gate.flatMap(([name, bound]) => {
    const values = found.flatMap((figures) => figures.get(name) ?? []);
    if (values.length < found.length) return [`${name} is not known${hint(name, found)}`];
    const value = mean(values);
    const isMost = isBetterWhenLess(name);
    if (isMost ? value <= bound : value >= bound) return [];
    const of = values.length > 1 ? ` in the mean of ${values.length} seeds` : '';
    return [
      `${name} is ${value.toFixed(4)}${of}, wanted ${isMost ? 'at most' : 'at least'} ${bound}`,
    ];
  });
  if (failed.length > 0) throw new GateError(deployed, failed);
}

/** Of the two files that an export may hold, the one that it recommends is what is measured. */
async function deployedName(
  variant: string,
  artifacts: ReadonlyMap<string, Pick<Artifact, 'folder'>>,
): Promise<string> {
  const artifact = artifacts.get(`export-student:${variant}`);
  if (artifact === undefined) return variant;
  const { recommended_file } = await readDeployment(outputFolder(artifact.folder, 'student'));
  return recommended_file?.file === MODEL_FILES.int8 ? int8Name(variant) : variant;
}

/** Figures and costs of one model. */
interface Measured {
  readonly metrics: AnyMetrics;
  readonly timings: Timings | null;
}

/** What the exported student stands beside. */
interface Others {
  readonly teacher: AnyMetrics | undefined;
  /** The students of the variant that learns from gold labels only, one a seed; empty where there is none. */
  readonly goldOnly: readonly AnyMetrics[];
}

/** The figures of one student by the names of gates; those that cannot be told are left out. */
function figuresBeside({ metrics, timings }: Measured, others: Others): Map<string, number> {
  const figures = new Map([...figuresIn(metrics), ...costsIn(metrics, timings)]);
  if (isOfValues(metrics) && isLanguageModel(metrics.task)) {
    return new Map([...figures, ...languageComparisons(metrics, others)]);
  }
  const lead = leadFigure(metrics);
  const own = figures.get(lead);
  const ofTeacher = others.teacher && figuresIn(others.teacher).get(lead);
  const ofGold = others.goldOnly.flatMap((one) => figuresIn(one).get(lead) ?? []);
  if (own !== undefined && ofTeacher !== undefined) {
    figures.set('accuracyVsTeacher', own / ofTeacher);
  }
  if (own !== undefined && ofGold.length > 0) figures.set('gainOverGoldOnly', own - mean(ofGold));
  return figures;
}

/** The nearest figure that there is, where a class or a value is misspelt. */
function hint(name: string, found: readonly ReadonlyMap<string, number>[]): string {
  const known = found.flatMap((figures) => [...figures.keys()]);
  const near = nearestName(name, known);
  return near === undefined || near === name ? '' : ` (did you mean ${near}?)`;
}

async function measuredIn(
  artifacts: ReadonlyMap<string, Pick<Artifact, 'folder'>>,
): Promise<Map<string, Measured>> {
  const measured = new Map<string, Measured>();
  for (const [instance, { folder }] of artifacts) {
    const [stage, name] = instance.split(':');
    if (stage !== 'evaluate' || name === undefined) continue;
    const place = outputFolder(folder, 'metrics');
    const metrics = await readAnyMetrics(place);
    measured.set(name, { metrics, timings: await readTimings(place) });
  }
  return measured;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
