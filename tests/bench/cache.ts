// The soft-label cache against what else there is, everything in one run, on one disk.
// Usage: npm run bench:cache -- [rounds]
import { execFileSync } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { type CacheShape, cacheData } from './cache/data.ts';
import { fileSpeeds, READ, type Speed, WRITE } from './cache/files.ts';
import { loaderSpeeds } from './cache/loader.ts';
import { table } from './cache/measure.ts';
import { findPython, type Pyarrow, startPyarrow } from './cache/pyarrow.ts';
import { sizeTable } from './cache/sizes.ts';

const rounds = Number(process.argv[2] ?? 5);
const folder = temporaryFolder('decant-bench-cache');

const SHAPES: readonly CacheShape[] = [
  { name: 'k = 8 of 77', rowCount: 100_000, topK: 8, classCount: 77 },
  { name: 'k = 64 of 150,000', rowCount: 50_000, topK: 64, classCount: 150_000 },
  { name: 'dense, 77', rowCount: 50_000, topK: null, classCount: 77 },
];
const CODECS = ['none', 'snappy', 'zstd'] as const;

const LOADS: readonly { shape: CacheShape; tokensPerRow: number; unit: string }[] = [
  load(10, 77, 200_000, 12, 'examples'),
  load(8, 77, 200_000, 1, 'tokens'),
  load(32, 77, 100_000, 1, 'tokens'),
];

const STREAMED_ROWS = [100_000, 10_000_000];

const found = findPython();
const pyarrow = 'python' in found ? await startPyarrow(found.python) : undefined;
console.log(
  `${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version},`,
  'reason' in found ? `pyarrow left out: ${found.reason}` : `pyarrow ${pyarrow?.version}`,
);
try {
  await tellSpeeds(pyarrow);
  await tellLoader();
  console.log(`\n${await sizeTable(folder, pyarrow)}`);
  tellMemory();
} finally {
  pyarrow?.close();
}

async function tellSpeeds(python: Pyarrow | undefined): Promise<void> {
  const lines: string[][] = [];
  for (const shape of SHAPES) {
    const data = cacheData(shape);
    for (const codec of CODECS) {
      const speeds = await fileSpeeds(folder, shape, data, codec, python, rounds);
      lines.push(...speeds.map((speed) => [shape.name, codec, ...cellsOf(speed, speeds)]));
    }
  }
  const head = ['data', 'codec', 'what', 'M values/s', 'M values/CPU s', 'decant is', 'B/row'];
  console.log(`\nBest of ${rounds} rounds in turns; list values, every column written and read.\n`);
  console.log(table(head, lines));
}

function cellsOf(speed: Speed, speeds: readonly Speed[]): string[] {
  const writes = speed.bytesPerRow !== null;
  const ours = speeds.find(({ name }) => name === (writes ? WRITE : READ));
  const times = (ours?.wall ?? Number.NaN) / speed.wall;
  return [
    speed.name,
    (speed.wall / 1000).toFixed(1),
    (speed.cpu / 1000).toFixed(1),
    speed === ours ? '' : `${times.toFixed(times < 10 ? 2 : 0)} x`,
    speed.bytesPerRow?.toFixed(0) ?? '',
  ];
}

async function tellLoader(): Promise<void> {
  const lines: string[][] = [];
  for (const { shape, tokensPerRow, unit } of LOADS) {
    for (const { name, wall, cpu } of await loaderSpeeds(folder, shape, tokensPerRow, rounds)) {
      lines.push([shape.name, name, `${wall.toFixed(0)} k ${unit}`, `${cpu.toFixed(0)} k`]);
    }
  }
  console.log(
    '\nThe loader of train-student: join, shuffle, batch; zstd, shards of 10,000 rows.\n',
  );
  console.log(table(['data', 'loader', 'a second', 'a CPU second'], lines));
}

function tellMemory(): void {
  const script = join(import.meta.dirname, 'cache-peak-memory.ts');
  const lines = STREAMED_ROWS.map((rows) => {
    const args = ['--import', './cache/loader/register.mjs', script, String(rows)];
    const { peakBytes } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
    return [rows.toLocaleString('en-US'), `${(peakBytes / 2 ** 20).toFixed(0)} MiB`];
  });
  console.log(
    '\nPeak memory of a process that writes and reads so many rows, shards of 100,000.\n',
  );
  console.log(table(['rows', 'peak'], lines));
}

function load(
  topK: number,
  classCount: number,
  rowCount: number,
  tokensPerRow: number,
  unit: string,
) {
  const shape = { name: `k = ${topK}`, rowCount, topK, classCount };
  return { shape, tokensPerRow, unit };
}
