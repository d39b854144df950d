import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeClasses } from '#datasets/classes.ts';
import { SPLITS, type Split } from '#datasets/example.ts';
import { writeExamples } from '#datasets/examples.ts';
import { writeTokens } from '#datasets/tokens/tokens.ts';
import { formatBytes } from '#pipeline/observers/progress.ts';
import { CLASS_COUNT, writeTeacher } from '#tests/stages/soft-label/small-run.ts';
import { repository } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { DECODED, tiedDecoder, VOCABULARY } from '#tests/support/tied-decoder.ts';
import { type BenchSample, mixedRows } from './rows.ts';

/** Peak memory of the whole stage, each in a process of its own: what it stated before it ran, and what it took. */
export async function memory(sample: BenchSample, rows: number): Promise<string[][]> {
  const texts = mixedRows(sample.rows, rows);
  const lengths = texts.map(({ tokenIds }) => [...tokenIds]);
  const corpus = await writeRows(lengths, sample.classNames, false);
  const larger = await writeRows(Array(10).fill(lengths).flat(), sample.classNames, false);
  const tokens = Array.from({ length: VOCABULARY }, (_, id) => `token ${id}`);
  const perToken = await writeRows(lengths.slice(0, Math.ceil(rows / 20)), tokens, true);
  const decoder = join(temporaryFolder(), 'decoder.onnx');
  writeFileSync(decoder, Buffer.concat([readFileSync(sample.model), tiedDecoder()]));
  const of = (tokenBudget: number) => ({ tokenBudget, device: 'cpu' });
  const cases = [
    ['77 classes', rows, sample.model, corpus, of(2048)],
    ['77 classes', rows, sample.model, corpus, of(8192)],
    ['77 classes', rows, sample.model, corpus, of(32_768)],
    ['77 classes', 10 * rows, sample.model, larger, of(2048)],
    [
      '30,522 a token, k = 32',
      rows / 20,
      decoder,
      perToken,
      { ...of(1024), topK: 32, output: DECODED },
    ],
    [
      '30,522 a token, k = 32',
      rows / 20,
      decoder,
      perToken,
      { ...of(4096), topK: 32, output: DECODED },
    ],
  ] as const;
  return cases.map(([what, count, model, inputs, config]) => {
    const { statedBytes, peakBytes } = runAside({ config, files: { model: [model] }, inputs });
    const ratio = statedBytes / peakBytes;
    return [
      what,
      String(Math.ceil(count)),
      String(config.tokenBudget),
      formatBytes(statedBytes),
      formatBytes(peakBytes),
      `${((ratio - 1) * 100).toFixed(0)} %`,
    ];
  });
}

/** The same, of the smallest teacher, whose rows are many: what a further row of the corpus costs. */
export async function growth(rowCounts: readonly number[]): Promise<string[][]> {
  const names = Array.from({ length: CLASS_COUNT }, (_, id) => `class ${id}`);
  const model = [writeTeacher()];
  const config = { topK: 3, temperatures: [1], device: 'cpu', threads: 1 };
  const lines: string[][] = [];
  let before = { count: Number.NaN, peakBytes: Number.NaN };
  for (const count of rowCounts) {
    const inputs = await writeRows(Array<number[]>(count).fill(SHORT_ROW), names, false);
    const { statedBytes, peakBytes } = runAside({ config, files: { model }, inputs });
    const more = (peakBytes - before.peakBytes) / (count - before.count);
    lines.push([
      count.toLocaleString('en-US'),
      formatBytes(statedBytes),
      formatBytes(peakBytes),
      `${((statedBytes / peakBytes - 1) * 100).toFixed(0)} %`,
      Number.isNaN(more) ? '' : `${more.toFixed(0)} B`,
    ]);
    before = { count, peakBytes };
  }
  return lines;
}

function runAside(options: object): { statedBytes: number; peakBytes: number } {
  const script = join(repository, 'tests', 'bench', 'teacher-memory-run.ts');
  const args = ['--import', './cache/loader/register.mjs', script, JSON.stringify(options)];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: repository,
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as ReturnType<typeof runAside>;
}

/** What `prepare` would have written: all rows in train. */
async function writeRows(
  rows: readonly (readonly number[])[],
  classNames: readonly string[],
  perToken: boolean,
): Promise<Record<string, string>> {
  const root = temporaryFolder();
  const inputs: Record<string, string> = { classes: join(root, 'classes') };
  mkdirSync(join(root, 'classes'));
  await writeClasses(join(root, 'classes'), classNames);
  for (const split of SPLITS) {
    inputs[`inputs/${split}`] = join(root, 'inputs', split);
    inputs[`tokens/teacher/${split}`] = join(root, 'tokens', split);
    mkdirSync(join(root, 'inputs', split), { recursive: true });
    mkdirSync(join(root, 'tokens', split), { recursive: true });
    await writeSplit(join(root, 'inputs', split), join(root, 'tokens', split), {
      split,
      rows: split === 'train' ? rows : [],
      perToken,
    });
  }
  return inputs;
}

async function writeSplit(
  examples: string,
  tokens: string,
  {
    split,
    rows,
    perToken,
  }: { split: Split; rows: readonly (readonly number[])[]; perToken: boolean },
): Promise<void> {
  const exampleIds = rows.map((_, row) => row.toString(16).padStart(32, '0'));
  const row = { split, sourceId: 'a name', text: 'a few words', textPair: null, weight: 1 };
  await writeExamples(
    examples,
    exampleIds.map((exampleId) => ({ exampleId, ...row })),
  );
  const offsets = new Int32Array(rows.length + 1);
  for (const [at, { length }] of rows.entries()) offsets[at + 1] = (offsets[at] ?? 0) + length;
  const places = Int32Array.from(rows.flatMap((ids) => [...ids.keys()]));
  await writeTokens(tokens, {
    exampleIds,
    offsets,
    tokenIds: Int32Array.from(rows.flat()),
    typeIds: null,
    truncated: new Uint8Array(rows.length),
    tokenizerDigest: 'bench',
    maxLength: 128,
    ...(perToken && { answers: { offsets, at: places, positions: places } }),
  });
}

const SHORT_ROW = [1, 7, 3, 9, 4, 2];
