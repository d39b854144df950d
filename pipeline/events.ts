import type { StageEvent } from '#stages/stage.ts';

/** A failure as it travels from the stage host to the command line, the log and run.json. */
export interface FailureReport {
  readonly kind: string;
  readonly code: string;
  readonly message: string;
  readonly fix: string;
  readonly stack?: string;
}

/** What one finished or fresh stage is: shown in tables and kept in run.json. */
export interface StageResult {
  readonly instance: string;
  readonly fingerprint: string;
  readonly folder: string;
  readonly fresh: boolean;
  readonly counts: Readonly<Record<string, number>>;
  readonly environment: Readonly<Record<string, string>>;
}

/** Everything a run says, in order. Terminal, logs, metrics and tests are observers of this one stream. */
export type RunEvent =
  | {
      readonly type: 'run-started';
      readonly runId: string;
      readonly store: string;
      readonly instances: readonly string[];
    }
  | { readonly type: 'waiting-for-lock'; readonly message: string }
  | { readonly type: 'stage-started'; readonly instance: string; readonly because: string }
  | { readonly type: 'stage-event'; readonly instance: string; readonly event: StageEvent }
  | { readonly type: 'stage-fresh'; readonly instance: string; readonly result: StageResult }
  | {
      readonly type: 'stage-finished';
      readonly instance: string;
      readonly result: StageResult;
      readonly durationMs: number;
    }
  | { readonly type: 'stage-failed'; readonly instance: string; readonly failure: FailureReport }
  | {
      readonly type: 'run-finished';
      readonly status: 'done' | 'failed' | 'stopped';
      readonly durationMs: number;
      readonly exitCode: number;
    };

/** Sees every event of a run. `close` waits for what it still has to write. */
export interface Observer {
  observe(event: RunEvent): void;
  close?(): Promise<void>;
}
