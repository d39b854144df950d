import type { FailureReport } from '#pipeline/events.ts';
import type { StandIns } from '#pipeline/rehearsal/stand-ins.ts';
import type { EarlierArtifact, Maker, StageEvent } from '#stages/stage.ts';

/** Everything a stage host needs to know to make one artifact. */
export interface HostJob {
  readonly store: string;
  readonly instance: string;
  readonly stage: string;
  readonly fingerprint: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly files: Readonly<Record<string, readonly string[]>>;
  readonly inputFolders: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, string>>;
  readonly makers?: Readonly<Record<string, Maker>>;
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly earlier: readonly EarlierArtifact[];
  readonly recomputeTeacher: boolean;
}

/** A stage that is tried on a few rows: nothing of it is sealed. */
export type Trial = Pick<HostJob, 'instance' | 'stage' | 'config' | 'files'> & {
  readonly inputFolders: Readonly<Record<string, string>>;
  /** Folder in which its outputs get theirs. */
  readonly folder: string;
};

/** What a stage host is started for. */
export type HostTask =
  | { readonly type: 'run'; readonly job: HostJob }
  | {
      readonly type: 'rehearse';
      readonly standIns: StandIns | null;
      readonly trials: readonly Trial[];
    };

/** Why a run has to stop before it is done. */
export type StopReason = 'interrupted' | 'terminated' | 'time-limit' | 'orphaned';

export type ToHost = HostTask | { readonly type: 'stop'; readonly reason: StopReason };

export type FromHost =
  | { readonly type: 'ready' }
  | { readonly type: 'event'; readonly event: StageEvent }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly failure: FailureReport };
