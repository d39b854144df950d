import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readClasses } from '#datasets/classes.ts';
import { skimModelFile } from '#stages/onnx/model-skim.ts';
import { type OnnxSession, openSession, type SessionTensor } from '#stages/onnx/session.ts';
import { softLabelHead } from '#stages/onnx/surgery.ts';
import { openThreadedSession } from '#stages/onnx/threaded-session.ts';
import { prepare } from '#stages/prepare/index.ts';
import { FREE_SHAPE, planBatches } from '#stages/soft-label/batches.ts';
import { type CaptureJob, capture } from '#stages/soft-label/capture.ts';
import { Quarantine } from '#stages/soft-label/quarantine.ts';
import { keepOf, softLabelConfig } from '#stages/soft-label/settings.ts';
import { openShardWriter } from '#stages/soft-label/shard-writer.ts';
import { planShards, type Shard } from '#stages/soft-label/shards.ts';
import { teacherOf } from '#stages/soft-label/teacher.ts';
import { feedsOf, matchTeacherInputs } from '#stages/soft-label/teacher-inputs.ts';
import { readTeacherCorpus, type TeacherRow } from '#stages/soft-label/teacher-rows.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { sampleFiles } from '#tests/support/prepare-run.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

/**
 * What stage one costs beyond the teacher itself: from tokens to committed shards, against nothing but
 * `session.run` on the same batches. Rounds are interleaved, so that a busy machine disturbs all alike.
 *
 *   node --import tsx tests/bench/capture-overhead.ts [rows a split] [rounds]
 */
const rowLimit = Number(process.argv[2] ?? Infinity);
const rounds = Number(process.argv[3] ?? 5);

const model = join(sampleFolder('banking77'), 'teacher', 'onnx', 'model.onnx');
const config = softLabelConfig.parse({});
const prepared = await runStage(prepare, { files: sampleFiles('banking77') });
const corpus = await readTeacherCorpus(
  { ...emptyContext(), inputs: prepared.outputs },
  config.maxLength,
);
const classNames = await readClasses(prepared.outputs['classes'] ?? '');
const keep = keepOf(config, classNames.length);
const folder = temporaryFolder();
const { train, validation, test } = corpus.rows;
const limited = {
  ...corpus,
  rows: {
    train: train.slice(0, rowLimit),
    validation: validation.slice(0, rowLimit),
    test: test.slice(0, rowLimit),
  },
};
const shards = planShards(limited, (split) => join(folder, split), config.shardRows);
const head = softLabelHead(skimModelFile(model), keep);
const options = { device: 'cpu', threads: config.threads } as const;

const plain = await openSession(model, options);
const withHead = await openThreadedSession(model, { ...options, appendix: head.bytes });
const teacher = teacherOf(withHead, head.outputs, { keep, padTokenId: 0 });

const measured = {
  'bare, without the head': () => runBare(plain, 'logits'),
  'bare, same session': () => runBare(withHead, 'logits'),
  capture: () => runCapture(),
};
const times = Object.fromEntries(Object.keys(measured).map((name) => [name, [] as number[]]));
for (let round = 0; round <= rounds; round++) {
  for (const [name, measure] of Object.entries(measured)) {
    const ms = await measure();
    // The first round warms up.
    if (round > 0) times[name]?.push(ms);
  }
}
await plain.close();
await teacher.close();
printTable();

/** Tensors are made before the clock starts. */
async function runBare(session: OnnxSession, output: string): Promise<number> {
  const batches = shards.flatMap((shard) => feedsOfShard(session, shard));
  const start = performance.now();
  for (const feeds of batches) await session.run(feeds, [output]);
  return performance.now() - start;
}

function feedsOfShard(session: OnnxSession, { rows }: Shard): Record<string, SessionTensor>[] {
  const inputs = matchTeacherInputs(session.inputs);
  const lengths = rows.map((row) => row.tokenIds.length);
  const { tokenBudget } = config;
  const { maxLength } = corpus;
  return planBatches(lengths, { tokenBudget, maxLength, shape: FREE_SHAPE }).map((batch) => {
    const members: TeacherRow[] = batch.rows.flatMap((row) => rows[row] ?? []);
    return feedsOf(inputs, members, { text: batch.length, target: 0 }, 0);
  });
}

async function runCapture(): Promise<number> {
  await rm(folder, { recursive: true, force: true });
  const start = performance.now();
  const writer = openShardWriter(metaOfBench(), config.codec);
  const job: CaptureJob = {
    shards,
    sealed: { places: new Map(), read: () => Promise.reject(new Error('nothing is sealed')) },
    teacher,
    writer,
    keep,
    tokenBudget: config.tokenBudget,
    maxLength: corpus.maxLength,
    quarantine: new Quarantine(shards.reduce((sum, shard) => sum + shard.rows.length, 0)),
    signal: new AbortController().signal,
  };
  for await (const _ of capture(job));
  await writer.close();
  return performance.now() - start;
}

function printTable(): void {
  const rows = shards.reduce((sum, shard) => sum + shard.rows.length, 0);
  const base = median(times['bare, without the head'] ?? []);
  console.log(`${rows} rows, ${shards.length} shards, medians of ${rounds} interleaved rounds`);
  console.log('| what | seconds | rows/s | of bare |');
  console.log('|---|---|---|---|');
  for (const [name, values] of Object.entries(times)) {
    const ms = median(values);
    const cells = [name, (ms / 1000).toFixed(2), (rows / (ms / 1000)).toFixed(0)];
    console.log(`| ${cells.join(' | ')} | ${((ms / base) * 100).toFixed(1)} % |`);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function metaOfBench() {
  return {
    formatVersion: 1,
    mode: 'top-k',
    topK: keep.topK ?? null,
    temperatures: keep.temperatures,
    classNames,
    fingerprint: 'bench',
    teacherDigest: 'bench',
    tokenizerDigest: corpus.tokenizerDigest,
    maxLength: corpus.maxLength,
    provider: 'cpu',
    runtime: 'bench',
    precision: 'float32',
  } as const;
}

function emptyContext() {
  return {
    config: {},
    files: {},
    outputs: {},
    earlier: [],
    recipe: {},
    recomputeTeacher: false,
    signal: new AbortController().signal,
  };
}
