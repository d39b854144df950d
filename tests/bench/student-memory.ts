import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { textTable } from '#pipeline/display/text-table.ts';
import { repository } from '#tests/support/paths.ts';

/**
 * `npm run bench:student-memory`: what training was said to take before it began, and what it took, each student in
 * a process of its own: batches of 32 rows of 128 tokens, 77 classes.
 */
const common = {
  classCount: 77,
  maxLength: 128,
  padTokenId: 0,
  clsTokenId: 1,
  sepTokenId: 2,
  dropout: 0,
  kernelWidths: [1, 2, 3],
};
const students = {
  'modernbert 2x128': { architecture: 'modernbert', ...sized(2, 128, 2_500) },
  'modernbert 4x256': { architecture: 'modernbert', ...sized(4, 256, 2_500) },
  'bert 2x256, 30,000 pieces': { architecture: 'bert', ...sized(2, 256, 30_000), dropout: 0.1 },
  'bag, 30,000 pieces': { architecture: 'bag', ...sized(1, 256, 30_000), dropout: 0.3 },
  'textcnn, 30,000 pieces': { architecture: 'textcnn', ...sized(1, 256, 30_000), dropout: 0.3 },
};

const rows = Object.entries(students).map(([name, student]) => {
  const given = { shape: { ...common, ...student }, batchSize: 32, length: 128 };
  const { statedBytes, peakBytes } = run(given);
  const off = statedBytes / peakBytes - 1;
  return [
    name,
    megabytes(statedBytes),
    megabytes(peakBytes),
    `${off > 0 ? '+' : ''}${(100 * off).toFixed(0)} %`,
  ];
});
console.log(textTable(['student', 'stated MB', 'taken MB', 'stated over taken'], rows));

function sized(layers: number, hiddenSize: number, vocabularySize: number) {
  const wide = { intermediateSize: 2 * hiddenSize, heads: hiddenSize / 64 };
  return { layers, hiddenSize, vocabularySize, ...wide };
}

function run(given: unknown): { statedBytes: number; peakBytes: number } {
  const script = join(repository, 'tests', 'bench', 'student-memory-run.ts');
  const args = ['--import', './cache/loader/register.mjs', script, JSON.stringify(given)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: repository,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as { statedBytes: number; peakBytes: number };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
