import type { z } from 'zod';

/** Everything a running stage may say; terminal, log file, manifest and tests all read this one stream. */
export type StageEvent =
  /** Work done so far. `detail` is a short text beside the bar, such as `loss 0.412`. */
  | {
      readonly type: 'progress';
      readonly done: number;
      readonly total: number;
      readonly unit: string;
      readonly detail?: string;
      /** Tokens behind what is done, padding left out. */
      readonly tokens?: number;
      /** Rows behind what is done, where it is counted in something else. */
      readonly examples?: number;
    }
  | {
      readonly type: 'metric';
      readonly name: string;
      readonly value: number;
      readonly step: number;
    }
  /** Something a person should read. */
  | { readonly type: 'note'; readonly message: string }
  /** Something a person should act upon. */
  | { readonly type: 'warning'; readonly message: string }
  /** A total that is kept in the manifest, such as `rowsReused` or `teacherRows`. */
  | { readonly type: 'count'; readonly name: string; readonly value: number }
  /** Where and with what it was made (provider, runtime version): kept in the manifest, never fingerprinted. */
  | { readonly type: 'environment'; readonly name: string; readonly value: string };

/** A sealed artifact of an earlier run of the same stage instance. */
export interface EarlierArtifact {
  readonly fingerprint: string;
  /** True when it differs from what is asked for in nothing but its input artifacts: its rows may be taken over. */
  readonly sameRecipe: boolean;
  /** Folder of each of its outputs. */
  readonly outputs: Readonly<Record<string, string>>;
  /** What went into its fingerprint, to name what changed. */
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly environment: Readonly<Record<string, string>>;
}

/** What the pipeline hands to a running stage. */
export interface StageContext<Config> {
  readonly config: Config;
  /** Absolute paths of files and folders outside the store, by the name the graph gives them. */
  readonly files: Readonly<Record<string, readonly string[]>>;
  /** Folder of each input artifact: sealed, checked, read-only. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Folder to fill for each declared output. It may hold what an interrupted run left behind. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Sealed artifacts of the same instance, those of the same recipe first, newest first. */
  readonly earlier: readonly EarlierArtifact[];
  /** What goes into the fingerprint of this run, without its input artifacts. */
  readonly recipe: Readonly<Record<string, unknown>>;
  /** Which artifact each input belongs to; left out of a rehearsal, whose inputs are stand-ins. */
  readonly makers?: Readonly<Record<string, Maker>>;
  /** The person allowed a whole new teacher pass over rows that a sealed cache already holds. */
  readonly recomputeTeacher: boolean;
  /** Aborted when the run has to stop: finish or drop the open part, then throw `signal.reason`. */
  readonly signal: AbortSignal;
}

/** The artifact that an input belongs to: for people to find it again, and in no fingerprint. */
export interface Maker {
  readonly instance: string;
  readonly fingerprint: string;
  /** Versions and places: decant, node, tensorflow, onnxruntime, provider. */
  readonly environment: Readonly<Record<string, string>>;
}

/** One kind of output: what it is called in the manifest and the version of its format. */
export interface OutputFormat {
  readonly formatVersion: number;
  /** Paths (prefixes, relative to the output) of files that cannot be equal twice: logs, timings. */
  readonly volatile?: readonly string[];
}

/** Data plus one generator. A stage never learns where its artifacts live or who is watching. */
export interface Stage<Config> {
  readonly name: string;
  /** Raise it when the same inputs and config would now give other output bytes. */
  readonly version: number;
  readonly configSchema: z.ZodType<Config>;
  /** Settings that cannot change output bytes; all others are part of the fingerprint. */
  readonly speedKnobs: readonly string[];
  readonly outputs: Readonly<Record<string, OutputFormat>>;
  run(context: StageContext<Config>): AsyncGenerator<StageEvent, void, void>;
  /**
   * Settings with which the stage can be tried in seconds. A stage that has them is tried on a few rows
   * before the teacher is asked about all of them.
   */
  rehearsal?(config: Config): Config;
  /** What an interrupted run left in the output folders, in a few words such as `4,096 rows`. */
  describePartial?(outputs: Readonly<Record<string, string>>): Promise<string>;
}

/** Returns its argument; TypeScript infers a stage's types and checks its knobs on the way. */
export function defineStage<Config>(
  stage: Stage<Config> & { readonly speedKnobs: readonly (keyof Config & string)[] },
): Stage<Config> {
  return stage;
}
