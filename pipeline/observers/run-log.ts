import { once } from 'node:events';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import type { FailureReport, Observer, RunEvent, StageResult } from '#pipeline/events.ts';

/**
 * Keeps `runs/<run id>/run.jsonl` (one line an event) and, when the run has ended in whatever way,
 * `run.json` beside it and `last-run.json` in the store.
 */
export function runLogObserver(
  store: string,
  versions: Readonly<Record<string, string>>,
): Observer {
  let log: WriteStream | undefined;
  const summary = new RunRecord(versions);
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
      await once(log, 'close');
      const text = `${JSON.stringify(summary, null, 1)}\n`;
      await writeFileAtomic(join(store, 'runs', runId, 'run.json'), text);
      await writeFileAtomic(join(store, 'last-run.json'), text);
    },
  };
}

function openLog(store: string, runId: string): WriteStream {
  const folder = join(store, 'runs', runId);
  mkdirSync(folder, { recursive: true });
  return createWriteStream(join(folder, 'run.jsonl'));
}

interface StageRecord {
  because: string;
  status: 'running' | 'fresh' | 'done' | 'failed';
  durationMs?: number;
  result?: StageResult;
  failure?: FailureReport;
}

/** run.json in the making. */
class RunRecord {
  readonly schemaVersion = 1;
  runId: string | undefined;
  status = 'running';
  exitCode: number | undefined;
  readonly startedAt = new Date().toISOString();
  finishedAt: string | undefined;
  readonly versions: Readonly<Record<string, string>>;
  readonly stages: Record<string, StageRecord> = {};

  constructor(versions: Readonly<Record<string, string>>) {
    this.versions = versions;
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
