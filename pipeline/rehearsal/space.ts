import { statfs } from 'node:fs/promises';
import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { readClasses } from '#datasets/classes.ts';
import { formatBytes } from '#pipeline/observers/progress.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';
import { keepOf, type SoftLabelConfig } from '#stages/soft-label/settings.ts';

/** The disk has no room for what the teacher will say. */
export class NoSpaceError extends Failure {
  constructor(store: string, needed: number, free: number) {
    super(
      'retry',
      'E_DISK_FULL',
      `${store}: the soft labels need up to ${formatBytes(needed)}, and ${formatBytes(free)} are free`,
      'free some space (npx decant cache gc --dry-run), lower soft-label.topK, or use --store DIR on another disk; then run the same command again',
    );
  }
}

/** Throws when the soft labels of all rows would not fit on the disk, uncompressed. */
export async function requireSpace(scene: {
  readonly store: string;
  readonly prepared: Artifact;
  readonly softLabel: StageInstance;
}): Promise<void> {
  const { store, prepared, softLabel } = scene;
  const needed = await mostBytes(prepared, softLabel);
  const { bavail, bsize } = await statfs(store);
  const free = bavail * bsize;
  if (free < needed) throw new NoSpaceError(store, needed, free);
}

/** Bytes that the soft labels of all rows take up before compression. */
export async function mostBytes(prepared: Artifact, softLabel: StageInstance): Promise<number> {
  const classNames = await readClasses(outputFolder(prepared.folder, 'classes'));
  const config = softLabel.config as SoftLabelConfig;
  return rowsOf(prepared) * rowBytes(config, classNames.length);
}

/** Rows that a teacher reads: of all splits and of views, or their windows. */
export function rowsOf({ manifest }: Artifact): number {
  const { trainRows = 0, validationRows = 0, testRows = 0, views = 0, windows } = manifest.counts;
  return windows ?? trainRows + validationRows + testRows + views;
}

function rowBytes(config: SoftLabelConfig, classCount: number): number {
  const { mode, topK = 0, samples = 0, temperatures } = keepOf(config, classCount);
  const values = { dense: classCount, 'top-k': 2 * topK, sampled: 2 * samples }[mode];
  const perTemperature = mode === 'top-k' ? 2 : 1;
  return ID_BYTES + 4 * (values + perTemperature * temperatures.length + 1);
}

/** Example id and source id, with their lengths. */
const ID_BYTES = 64;
