import {
  type SoftLabelMeta,
  type SoftLabelRows,
  writeSoftLabelShard,
} from '#datasets/soft-labels/soft-labels.ts';
import type { SoftLabelConfig } from './settings.ts';

/** Writes shards behind the teacher's back. */
export interface ShardWriter {
  /** Returns as soon as at most two shards are on their way to the disk. */
  write(path: string, rows: SoftLabelRows): Promise<void>;
  /** Returns when every shard is on the disk; throws what a write threw. */
  drain(): Promise<void>;
  /** Waits for what is on its way, whatever becomes of it. */
  close(): Promise<void>;
}

/**
 * No thread of its own: the teacher has one, encoding a shard takes less time than the batches that
 * are queued there, and compression and fsync run in Node's thread pool.
 */
export function openShardWriter(meta: SoftLabelMeta, codec: SoftLabelConfig['codec']): ShardWriter {
  const onTheirWay: Promise<void>[] = [];
  let hidden: SoftLabelMeta['hidden'];
  return {
    async write(path, rows) {
      // How wide features are, the rows say; a file without rows says what the one before it said.
      hidden = featureWidths(rows) ?? hidden;
      const of = hidden === undefined ? meta : { ...meta, hidden };
      const written = writeSoftLabelShard(path, rows, of, codec);
      // Its failure is thrown by a later `write` or by `drain`; until then it is not unhandled.
      written.catch(() => undefined);
      onTheirWay.push(written);
      if (onTheirWay.length > MAX_ON_THEIR_WAY) await onTheirWay.shift();
    },
    async drain() {
      while (onTheirWay.length > 0) await onTheirWay.shift();
    },
    async close() {
      await Promise.allSettled(onTheirWay);
    },
  };
}

/** Values a row of each feature; undefined where there are no rows to show it. */
export function featureWidths({ hidden, rowCount }: SoftLabelRows): SoftLabelMeta['hidden'] {
  if (hidden === undefined || rowCount === 0) return undefined;
  const widths = Object.entries(hidden).map(([name, values]) => [name, values.length / rowCount]);
  return Object.fromEntries(widths);
}

const MAX_ON_THEIR_WAY = 2;
