import type { StageResult } from '#pipeline/events.ts';
import type { StageEvent } from '#stages/stage.ts';

type Progress = Extract<StageEvent, { type: 'progress' }>;

/** Turns progress events of one stage into words with a rate and the time left. */
export interface ProgressMeter {
  describe(progress: Progress): string;
}

/** Starts a meter; rates are averages since the first event, so taking over finished work does not flatter. */
export function startMeter(now: () => number = () => performance.now()): ProgressMeter {
  let first:
    | { at: number; done: number; unit: string; tokens: number; examples: number }
    | undefined;
  return {
    describe({ done, total, unit, detail, tokens = 0, examples = 0 }) {
      const at = now();
      if (first === undefined || first.unit !== unit || done < first.done)
        first = { at, done, unit, tokens, examples };
      const seconds = (at - first.at) / 1000;
      const rate = seconds > 0.5 ? (done - first.done) / seconds : 0;
      const parts = [`${formatCount(done)}/${formatCount(total)} ${unit}`];
      if (rate > 0) {
        parts.push(`${formatCount(rate)} ${unit}/s`);
        const exampleRate = (examples - first.examples) / seconds;
        if (exampleRate > 0) parts.push(`${formatCount(exampleRate)} examples/s`);
        const tokenRate = (tokens - first.tokens) / seconds;
        if (tokenRate > 0) parts.push(`${formatCount(tokenRate)} tokens/s`);
        if (done < total) parts.push(`${formatDuration(((total - done) / rate) * 1000)} left`);
      }
      if (detail !== undefined && detail !== '') parts.push(detail);
      return parts.join(' · ');
    },
  };
}

/** How a finished stage went, in a few words: rows where the teacher was asked, and the time it took. */
export function describeResult({ counts }: StageResult, durationMs: number): string {
  const { rowsReused: reused, rowsNew: fresh, rowsGone: gone } = counts;
  const rows =
    fresh === undefined
      ? []
      : [
          `${formatCount(reused ?? 0)} reused`,
          `${formatCount(fresh)} new`,
          `${formatCount(gone ?? 0)} gone`,
        ];
  return [...(rows.length > 0 ? [rows.join(', ')] : []), formatDuration(durationMs)].join(' · ');
}

/** 8954 -> "8,954"; below ten one decimal. */
export function formatCount(value: number): string {
  const digits = Number.isInteger(value) || value >= 10 ? 0 : 1;
  return value.toLocaleString('en-US', {
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  });
}

/** Milliseconds as "850 ms", "12.3 s", "4 min 05 s" or "2 h 03 min". */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const seconds = Math.round(ms / 1000);
  const pad = (value: number) => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${pad(Math.floor(seconds / 60) % 60)} min`;
}

/** Bytes as "23.2 MB" (decimal). */
export function formatBytes(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
