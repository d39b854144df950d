import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { textTable } from '#pipeline/display/text-table.ts';
import { repository } from '#tests/support/paths.ts';

/**
 * `npm run bench:student-memory`: what training was said to take before it began, and what it took, each student in
 * a process of its own that runs the stage: batches of 32 rows of 128 tokens.
 */
const students = {
  'modernbert 2x128': encoder('modernbert', 2, 128, 2_500),
  'modernbert 4x256': encoder('modernbert', 4, 256, 2_500),
  'bert 2x256, 30,000 pieces': encoder('bert', 2, 256, 30_000),
  'bag, 30,000 pieces': { words: 30_000, architecture: 'bag', hiddenSize: 256 },
  'textcnn, 30,000 pieces': { words: 30_000, architecture: 'textcnn', hiddenSize: 256 },
};

const rows = Object.entries(students).map(([name, { words, ...config }]) => {
  const { statedBytes, peakBytes } = run({ config, words, length: 128 });
  const off = statedBytes / peakBytes - 1;
  return [
    name,
    megabytes(statedBytes),
    megabytes(peakBytes),
    `${off > 0 ? '+' : ''}${(100 * off).toFixed(0)} %`,
  ];
});
console.log(textTable(['student', 'stated MB', 'taken MB', 'stated over taken'], rows));

function encoder(architecture: string, layers: number, hiddenSize: number, words: number) {
  return { words, architecture, layers, hiddenSize, intermediateSize: 2 * hiddenSize };
}

function run(given: unknown): { statedBytes: number; peakBytes: number } {
  const script = join(repository, 'tests', 'bench', 'student-memory-stage.ts');
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
