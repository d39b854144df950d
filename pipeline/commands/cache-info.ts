import { type CacheFacts, cacheFacts, describeMode } from '#pipeline/caches/cache-facts.ts';
import { findCacheFolder } from '#pipeline/caches/soft-label-caches.ts';
import { firstOf, textTable, withoutControls } from '#pipeline/display/text-table.ts';
import { formatBytes, formatCount, formatDuration } from '#pipeline/observers/progress.ts';
import { openProject, type ProjectOptions } from '#pipeline/project.ts';

export interface CacheInfoOptions extends ProjectOptions {
  readonly teacher?: string;
  readonly json?: boolean;
}

/** `decant cache info`: all that manifest and footers say about one cache. */
export async function cacheInfoCommand(
  fingerprint: string | undefined,
  options: CacheInfoOptions,
): Promise<number> {
  const project = openProject(options);
  const facts = await cacheFacts(
    project,
    await findCacheFolder(project, { fingerprint, teacher: options.teacher }),
  );
  const text = options.json === true ? JSON.stringify(jsonOf(facts), null, 1) : textOf(facts);
  process.stdout.write(`${text}\n`);
  return 0;
}

function textOf({ artifact, isCurrent, meta, splits, rows, bytes }: CacheFacts): string {
  const { manifest, folder } = artifact;
  const { finishedAt, startedAt, counts } = manifest;
  const took = Date.parse(finishedAt) - Date.parse(startedAt);
  const { classNames } = meta;
  const lines: readonly (readonly [name: string, value: string])[] = [
    ['fingerprint', manifest.fingerprint],
    ['state', isCurrent ? 'fresh' : 'old: the configuration asks for another one'],
    ['folder', folder],
    ['made', `${finishedAt.slice(0, 19).replace('T', ' ')} UTC, in ${formatDuration(took)}`],
    ['format', `soft-labels, version ${meta.formatVersion}`],
    ['kept', meta.precision === 'float32' ? `${describeMode(meta)}, float32` : describeMode(meta)],
    ['temperatures', meta.temperatures.join(', ')],
    ['classes', `${formatCount(classNames.length)}: ${withoutControls(firstOf(classNames, ', '))}`],
    ['teacher', meta.teacherDigest],
    ['tokenizer', meta.tokenizerDigest],
    ['longest input', `${meta.maxLength} tokens`],
    ['made with', `${meta.runtime} on ${meta.provider}`],
    [
      'counts',
      Object.entries(counts)
        .map(([name, value]) => `${name} ${formatCount(value)}`)
        .join(', '),
    ],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  const table = [...splits, { split: 'all', files: sumOf(splits), rows, bytes }];
  const cells = table.map((one) => [
    one.split,
    one.files,
    formatCount(one.rows),
    formatBytes(one.bytes),
    bytesPerRow(one)?.toFixed(1) ?? '-',
  ]);
  return [
    ...lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    '',
    textTable(['split', 'files', 'rows', 'size', 'bytes/row'], cells),
  ].join('\n');
}

function jsonOf({ artifact, isCurrent, meta, splits, rows, bytes }: CacheFacts): object {
  const { folder, manifest } = artifact;
  return {
    schemaVersion: 1,
    state: isCurrent ? 'fresh' : 'old',
    folder,
    rows,
    bytes,
    bytesPerRow: bytesPerRow({ rows, bytes }),
    splits: splits.map((one) => ({ ...one, bytesPerRow: bytesPerRow(one) })),
    classCount: meta.classNames.length,
    footer: meta,
    manifest,
  };
}

function bytesPerRow({ rows, bytes }: { readonly rows: number; readonly bytes: number }) {
  return rows === 0 ? null : bytes / rows;
}

function sumOf(splits: CacheFacts['splits']): number {
  return splits.reduce((sum, { files }) => sum + files, 0);
}
