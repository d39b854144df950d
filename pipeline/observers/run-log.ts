import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { headlinesOf } from '#pipeline/display/headlines.ts';
import type { FailureReport, Observer, RunEvent, StageResult } from '#pipeline/events.ts';
import type { Headline } from '#pipeline/history/run-record.ts';

/** What run.json says about a run besides what happened. */
export interface RunSetting {
  readonly versions: Readonly<Record<string, string>>;
  readonly gitCommit: string | null;
  /** decant.yaml with everything that overrode it. */
  readonly config: unknown;
}

/**
 * Keeps `runs/<run id>/run.jsonl` (one line an event) and, when the run has ended in whatever way,
 * `run.json` beside it and `last-run.json` in the store. The figures of the models are copied into
 * run.json, so that they outlive the artifacts.
 */
export function runLogObserver(store: string, setting: RunSetting): Observer {
  let log: WriteStream | undefined;
  const summary = new RunInTheMaking(setting);
  return {
    observe(event) {
      if (event.type === 'run-started') log = openLog(store, event.runId);
      summary.add(event);
      const isNoise = event.type === 'stage-event' && event.event.type === 'progress';
      if (!isNoise) log?.write(`${JSON.stringify({ at: new Date().toISOString(), ...event })}\n`);
    },
    async close() {
      const { runId } = summary;
      if (log === undefined || runId === undefined) return;
      log.end();
      await finished(log);
      await summary.readMetrics();
      const text = `${JSON.stringify(summary, null, 1)}\n`;
      await writeFileAtomic(join(store, 'runs', runId, 'run.json'), text);
      await writeFileAtomic(join(store, 'last-run.json'), text);
    },
  };
}

function openLog(store: string, runId: string): WriteStream {
  const folder = join(store, 'runs', runId);
  mkdirSync(folder, { recursive: true });
  // A log that cannot be written stops no stage; `close` tells of it.
  return createWriteStream(join(folder, 'run.jsonl')).on('error', () => undefined);
}

interface StageRecord {
  because: string;
  status: 'running' | 'fresh' | 'done' | 'failed';
  durationMs?: number;
  result?: StageResult;
  failure?: FailureReport;
}

/** run.json in the making; its reader is run-record.ts. */
class RunInTheMaking {
  readonly schemaVersion = 1;
  runId: string | undefined;
  status = 'running';
  exitCode: number | undefined;
  readonly startedAt = new Date().toISOString();
  finishedAt: string | undefined;
  readonly versions: Readonly<Record<string, string>>;
  readonly gitCommit: string | null;
  readonly config: unknown;
  readonly stages: Record<string, StageRecord> = {};
  metrics: Readonly<Record<string, Headline>> = {};

  constructor({ versions, gitCommit, config }: RunSetting) {
    this.versions = versions;
    this.gitCommit = gitCommit;
    this.config = config;
  }

  async readMetrics(): Promise<void> {
    const results = Object.values(this.stages).map(({ result }) => result);
    this.metrics = await headlinesOf(results.filter((result) => result !== undefined));
  }

  add(event: RunEvent): void {
    switch (event.type) {
      case 'run-started':
        this.runId = event.runId;
        return;
      case 'stage-started':
        this.stages[event.instance] = { because: event.because, status: 'running' };
        return;
      case 'stage-fresh':
        this.stages[event.instance] = { because: '', status: 'fresh', result: event.result };
        return;
      case 'stage-finished':
        this.#update(event.instance, {
          status: 'done',
          durationMs: event.durationMs,
          result: event.result,
        });
        return;
      case 'stage-failed':
        this.#update(event.instance, { status: 'failed', failure: event.failure });
        return;
      case 'run-finished':
        this.status = event.status;
        this.exitCode = event.exitCode;
        this.finishedAt = new Date().toISOString();
        return;
      case 'stage-event':
      case 'waiting-for-lock':
        return;
      default:
        return event satisfies never;
    }
  }

  #update(instance: string, change: Partial<StageRecord>): void {
    this.stages[instance] = { because: '', status: 'running', ...this.stages[instance], ...change };
  }
}
