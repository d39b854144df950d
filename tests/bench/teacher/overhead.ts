import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { skimModel } from '#stages/onnx/model-skim.ts';
import type { Provider } from '#stages/onnx/placement.ts';
import { type OnnxSession, openSession, type SessionTensor } from '#stages/onnx/session.ts';
import { softLabelHead } from '#stages/onnx/surgery.ts';
import { openThreadedSession } from '#stages/onnx/threaded-session.ts';
import { type Keep, keepOf, softLabelConfig } from '#stages/soft-label/settings.ts';
import { teacherOf } from '#stages/soft-label/teacher.ts';
import type { TeacherRow } from '#stages/soft-label/teacher-rows.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { DECODED, tiedDecoder, VOCABULARY } from '#tests/support/tied-decoder.ts';
import { type BenchSample, median, perToken, shardsOf, sum, timeCapture } from './rows.ts';

const THREADS = 2;
/** Rows that the two ways take in turn: some seconds, in which a shared machine changes little. */
const ROWS_A_PAIR = 1024;

/**
 * What stage one costs beyond the teacher itself: from tokens to committed zstd shards, against nothing but
 * `session.run` of the user's own graph on the same tensors, its logits fetched and thrown away. The two ways take
 * turns over a few hundred rows (first the one, then the other), and each pair is a ratio of its own. One line a way of
 * keeping whose name has `wanted` in it.
 */
export async function overheads(
  { model, rows: texts, classNames }: BenchSample,
  {
    rounds,
    rowLimit,
    wanted = '',
    device = 'cpu',
  }: { rounds: number; rowLimit: number; wanted?: string; device?: Provider },
): Promise<string[][]> {
  const plain = readFileSync(model);
  const decoder = Buffer.concat([plain, tiedDecoder()]);
  const rows = texts.slice(0, rowLimit);
  const pieces = Array.from({ length: VOCABULARY }, (_, id) => `${id}`);
  const tokens = rows.slice(0, Math.ceil(rowLimit / 20)).map(perToken);
  const keep = (changes: object, classes: number) =>
    keepOf(softLabelConfig.parse(changes), classes);
  const few = { model: plain, rows, classNames, logits: 'logits', rowsAPair: ROWS_A_PAIR };
  const cases: readonly Case[] = [
    { ...few, name: 'k = 10 of 77', keep: keep({ topK: 10 }, 77), aim: '<= 103 %' },
    { ...few, name: 'dense 77', keep: keep({ keep: 'all' }, 77), aim: '<= 103 %' },
    {
      name: 'k = 32 of 30,522, a row a token',
      model: decoder,
      rows: tokens,
      rowsAPair: Math.ceil(ROWS_A_PAIR / 10),
      classNames: pieces,
      keep: keep({ topK: 32, temperatures: [1] }, VOCABULARY),
      logits: DECODED,
      isPerToken: true,
      aim: '<= 108 %',
    },
  ];
  const lines: string[][] = [];
  for (const one of cases)
    if (one.name.includes(wanted)) lines.push(await overhead(one, rounds, device));
  return lines;
}

interface Case {
  readonly name: string;
  readonly model: Uint8Array;
  readonly rows: readonly TeacherRow[];
  readonly rowsAPair: number;
  readonly classNames: readonly string[];
  readonly keep: Keep;
  /** The user's own output. */
  readonly logits: string;
  /** It is [batch, sequence, classes], and the rows have answers. */
  readonly isPerToken?: boolean;
  readonly aim: string;
}

/** Milliseconds of the clock, and of the CPU time of all threads, which a busy machine does not lengthen. */
interface Spent {
  readonly ms: number;
  readonly cpuMs: number;
}

interface Pair {
  readonly bare: Spent;
  readonly capture: Spent;
}

async function overhead(one: Case, rounds: number, device: Provider): Promise<string[]> {
  const { name, model, rows, rowsAPair, classNames, keep, logits, isPerToken = false, aim } = one;
  const head = softLabelHead(skimModel(model), { ...keep, perToken: isPerToken, logits });
  const options = { device, threads: THREADS };
  const bare = await openSession(model, options);
  const session = await openThreadedSession(model, { ...options, appendix: head.bytes });
  const teacher = teacherOf(session, head.outputs, { keep, padTokenId: 0 });
  const folder = temporaryFolder();
  const what = { keep, classNames, perToken: isPerToken };
  const parts = Array.from({ length: Math.ceil(rows.length / rowsAPair) }, (_, part) =>
    rows.slice(part * rowsAPair, (part + 1) * rowsAPair),
  );
  const { feeds, cpuMs: own } = await replayed(parts, one, device);
  const pairs: Pair[] = [];
  for (let turn = 0; turn <= rounds * parts.length; turn++) {
    const at = turn % parts.length;
    const shards = shardsOf(parts[at] ?? [], folder);
    await rm(folder, { recursive: true, force: true });
    const runBare = () => timeBare(bare, logits, feeds[at] ?? []);
    const first = turn % 2 === 0 ? await runBare() : undefined;
    const capture = await spentBy(() => timeCapture(shards, teacher, what));
    // The first pair warms up.
    const pair = { bare: first ?? (await runBare()), capture };
    if (turn > 0) pairs.push(pair);
  }
  await bare.close();
  await teacher.close();
  const bareOf = (of: keyof Spent) => sum(pairs.map((pair) => pair.bare[of])) / rounds;
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const ratios = pairs.map((pair) => pair.capture.ms / pair.bare.ms).toSorted((a, b) => a - b);
  const quarter = Math.floor(ratios.length / 4);
  return [
    name,
    `${rows.length}`,
    `${pairs.length}`,
    (bareOf('ms') / 1000).toFixed(2),
    percent(median(ratios)),
    `${percent(ratios[quarter] ?? 0)} to ${percent(ratios.at(-1 - quarter) ?? 0)}`,
    percent(median(pairs.map((pair) => pair.capture.cpuMs / pair.bare.cpuMs))),
    `${own.toFixed(0)} ms`,
    percent(own / bareOf('cpuMs')),
    aim,
  ];
}

type Feeds = Readonly<Record<string, SessionTensor>>;

/** The tensors are there before the clock starts. */
function timeBare(session: OnnxSession, logits: string, batches: readonly Feeds[]): Promise<Spent> {
  return spentBy(async () => {
    const start = performance.now();
    for (const feeds of batches) await session.run(feeds, [logits]);
    return performance.now() - start;
  });
}

/** `run` returns its milliseconds. */
async function spentBy(run: () => Promise<number>): Promise<Spent> {
  const before = process.cpuUsage();
  const ms = await run();
  return { ms, cpuMs: cpuSince(before) };
}

/** Milliseconds. */
function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/**
 * What stage one feeds the graph for each part, lone rows doubled and all, without the inputs of our head; and the CPU
 * time of all our threads over these rows where a graph takes none: what it has answered once is given again.
 */
async function replayed(
  parts: readonly (readonly TeacherRow[])[],
  { model, classNames, keep, logits, isPerToken = false }: Case,
  device: Provider,
): Promise<{ readonly feeds: readonly (readonly Feeds[])[]; readonly cpuMs: number }> {
  const head = softLabelHead(skimModel(model), { ...keep, perToken: isPerToken, logits });
  const options = { device, threads: THREADS, appendix: head.bytes };
  const real = await openThreadedSession(model, options);
  const feeds: Feeds[][] = [];
  const said: Promise<Record<string, SessionTensor>>[] = [];
  let replay: Iterator<Promise<Record<string, SessionTensor>>> | undefined;
  const session: OnnxSession = {
    ...real,
    run(fed, fetches) {
      if (replay !== undefined) return replay.next().value ?? Promise.resolve({});
      // A session in a thread takes its tensors away.
      const { [head.outputs.asked ?? '']: _ours, ...own } = structuredClone(fed);
      feeds.at(-1)?.push(own);
      const answer = real.run(fed, fetches);
      said.push(answer);
      return answer;
    },
  };
  const teacher = teacherOf(session, head.outputs, { keep, padTokenId: 0 });
  const what = { keep, classNames, perToken: isPerToken };
  const folder = temporaryFolder();
  const captureAll = async () => {
    for (const part of parts) {
      feeds.push([]);
      await timeCapture(shardsOf(part, folder), teacher, what);
    }
  };
  await captureAll();
  await real.close();
  replay = said.values();
  const before = process.cpuUsage();
  await captureAll();
  return { feeds: feeds.slice(0, parts.length), cpuMs: cpuSince(before) };
}
