import { Failure } from '#cache/failure.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import type { SweepSection } from '#pipeline/config/sections/sweep.ts';
import { checkVariant, exportedVariant, variantOrder } from '#pipeline/config/variants.ts';
import { unreadByTrial } from '#pipeline/limits/student-limits.ts';
import { type Project, tombstonesPath } from '#pipeline/project.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';
import { graphOf } from '#pipeline/wiring/wiring.ts';
import { type TrialSettings, trialSettings } from './draw-trials.ts';

/** One student to train: a variant with settings of its own. */
export interface Trial {
  /** As it is told: 1, 2, 3, ... */
  readonly number: number;
  /** What its artifacts are called: the settings decide it, so that a rerun finds them. */
  readonly name: string;
  /** Undefined is what its student does not read. */
  readonly settings: TrialSettings;
}

/** A combination that no student can have, such as heads that do not divide the width. */
interface Refused {
  readonly settings: TrialSettings;
  readonly because: string;
}

/** What a sweep will do. */
export interface SweepPlan {
  readonly variant: string;
  readonly trials: readonly Trial[];
  readonly refused: readonly Refused[];
  /** What the trials need: corpus, caches, students that they start from. */
  readonly before: readonly StageInstance[];
  /** `train-student:NAME` of each trial. */
  readonly trainings: readonly StageInstance[];
  /** `validate:NAME` of each trial: what `evaluate` finds on the validation rows. */
  readonly measurements: readonly StageInstance[];
}

/** No combination of the settings can be trained. */
export class NoTrialError extends Failure {
  constructor(refused: readonly Refused[]) {
    const [first] = refused;
    const why = first === undefined ? '' : `, the first because of ${first.because}`;
    super(
      'usage',
      'E_SWEEP_EMPTY',
      `none of ${refused.length} combinations can be trained${why}`,
      'correct sweep.over in decant.yaml',
    );
  }
}

/** Draws the trials and lays out their graph. Combinations that cannot be trained are left out. */
export function planSweep({ loaded, store }: Project, section: SweepSection): SweepPlan {
  const variant = section.variant ?? exportedVariant(loaded.config, variantOrder(loaded));
  checkVariant(loaded, variant, 'sweep.variant');
  const wanted = section.trials ?? Number.POSITIVE_INFINITY;
  const trials: Trial[] = [];
  const refused: Refused[] = [];
  for (const drawn of trialSettings(section)) {
    if (trials.length >= wanted || refused.length >= MOST_REFUSED) break;
    const settings = readOf(loaded, variant, drawn);
    const trial = { number: trials.length + 1, name: nameOf(variant, settings), settings };
    // Two that differ in nothing that this student reads are one.
    if (trials.some(({ name }) => name === trial.name)) continue;
    const because = whyNot(withTrials(loaded, variant, [trial]), trial);
    if (because === null) trials.push(trial);
    else refused.push({ settings, because });
  }
  if (trials.length === 0) throw new NoTrialError(refused);
  const graph = graphOf(withTrials(loaded, variant, trials), tombstonesPath(store));
  const ofTrials = (stage: string) => {
    const names = new Map(trials.map(({ name, number }) => [`${stage}:${name}`, number]));
    const found = graph.filter(({ name }) => names.has(name));
    return found.sort((a, b) => (names.get(a.name) ?? 0) - (names.get(b.name) ?? 0));
  };
  const trainings = ofTrials('train-student');
  return {
    variant,
    trials,
    refused,
    before: dependenciesOf(graph, trainings),
    trainings,
    measurements: ofTrials('evaluate').map(onValidation),
  };
}

/** The trial as a variant of decant.yaml. */
export function variantOfTrial(
  loaded: LoadedConfig,
  variant: string,
  trial: Trial,
): DecantConfig['variants'][string] {
  const { [trial.name]: own = {} } = withTrials(loaded, variant, [trial]).config.variants;
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
}

/** The settings, without values of those that belong to other students of the sweep. */
function readOf(loaded: LoadedConfig, variant: string, settings: TrialSettings): TrialSettings {
  const trial = { number: 1, name: nameOf(variant, settings), settings };
  const own = variantOfTrial(loaded, variant, trial);
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, name in own ? value : undefined]),
  );
}

function nameOf(variant: string, settings: TrialSettings): string {
  return `sweep-${fingerprintOf({ variant, settings }).slice(0, 12)}`;
}

function withTrials(loaded: LoadedConfig, variant: string, trials: readonly Trial[]): LoadedConfig {
  const { variants } = loaded.config;
  const student = { ...loaded.config.student, seeds: undefined };
  const more = trials.map(({ name, settings }) => [
    name,
    { ...variants[variant], seeds: undefined, ...settings },
  ]);
  // Parts of the test rows are no matter of a choice by the validation rows.
  // Nor are several seeds: each trial is one student.
  const config = {
    ...loaded.config,
    evaluate: undefined,
    student,
    variants: { ...variants, ...Object.fromEntries(more) },
  };
  const own = trials.map(({ name }) => [name, withoutUnread(config, name)]);
  return {
    ...loaded,
    config: { ...config, variants: { ...config.variants, ...Object.fromEntries(own) } },
  };
}

function withoutUnread(config: DecantConfig, trial: string): DecantConfig['variants'][string] {
  const unread = unreadByTrial(config, trial);
  const own = Object.entries(config.variants[trial] ?? {});
  return Object.fromEntries(own.filter(([setting]) => !unread.includes(setting)));
}

/** Why the trial cannot be trained; null where it can. */
function whyNot(loaded: LoadedConfig, { name }: Trial): string | null {
  const { student, variants } = loaded.config;
  if ((variants[name]?.architecture ?? student.architecture) === 'auto') {
    return 'architecture: auto tries several by itself; name the architectures';
  }
  try {
    graphOf(loaded);
    return null;
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'usage') throw error;
    return error.message.replace(/^train-student:\S+:\s*/, '').replaceAll(/\s*\n\s*/g, ' ');
  }
}

/** Everything that these instances read from, in the order of the graph. */
function dependenciesOf(
  graph: readonly StageInstance[],
  roots: readonly StageInstance[],
): StageInstance[] {
  const needed = new Set(roots.map(({ name }) => name));
  const found: StageInstance[] = [];
  for (const instance of graph.toReversed()) {
    if (!needed.has(instance.name)) continue;
    for (const { instance: from } of Object.values(instance.inputs)) needed.add(from);
    if (!roots.includes(instance)) found.push(instance);
  }
  return found.reverse();
}

/** The same measurement with the validation rows in place of the test rows: a choice must not see these. */
function onValidation(evaluation: StageInstance): StageInstance {
  const inputs = Object.entries(evaluation.inputs).map(([name, ref]) => [
    name,
    { ...ref, output: ref.output.replace(/\/test$/, '/validation') },
  ]);
  const name = evaluation.name.replace(/^evaluate:/, 'validate:');
  return { ...evaluation, name, inputs: Object.fromEntries(inputs) };
}

/** So many combinations that cannot be trained end the search for one that can. */
const MOST_REFUSED = 1000;
