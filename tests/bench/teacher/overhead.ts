import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { readGraphNodes } from '#stages/onnx/graph-nodes.ts';
import { skimModel } from '#stages/onnx/model-skim.ts';
import type { Provider } from '#stages/onnx/placement.ts';
import { type OnnxSession, openSession, type SessionTensor } from '#stages/onnx/session.ts';
import { type SoftLabelHead, softLabelHead } from '#stages/onnx/surgery.ts';
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
 * `session.run` of the same session on the same tensors, what is kept fetched and thrown away; and against the user's
 * own graph, which has no top k and no sums, its logits fetched. The three take turns over a few hundred rows (onward, then
 * backward), and each turn is a ratio of its own. One line a way of keeping whose name has `wanted` in it.
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

interface Turn {
  readonly graph: Spent;
  readonly session: Spent;
  readonly capture: Spent;
}

async function overhead(one: Case, rounds: number, device: Provider): Promise<string[]> {
  const { name, model, rows, rowsAPair, classNames, keep, logits, isPerToken = false, aim } = one;
  const { bytes, edits, outputs } = headOf(one);
  const options = { device, threads: THREADS };
  const graph = await openSession(model, options);
  const session = await openSession(model, { ...options, appendix: bytes, edits });
  const threaded = await openThreadedSession(model, { ...options, appendix: bytes, edits });
  const teacher = teacherOf(threaded, outputs, { keep, padTokenId: 0 });
  const folder = temporaryFolder();
  const what = { keep, classNames, perToken: isPerToken };
  const parts = Array.from({ length: Math.ceil(rows.length / rowsAPair) }, (_, part) =>
    rows.slice(part * rowsAPair, (part + 1) * rowsAPair),
  );
  const { calls, cpuMs: own } = await replayed(parts, one, device);
  const turns: Turn[] = [];
  for (let turn = 0; turn <= rounds * parts.length; turn++) {
    const at = turn % parts.length;
    const shards = shardsOf(parts[at] ?? [], folder);
    await rm(folder, { recursive: true, force: true });
    const ways: Readonly<Record<keyof Turn, () => Promise<number>>> = {
      graph: () => timeCalls(graph, (calls[at] ?? []).map(toGraph(outputs.asked, logits))),
      session: () => timeCalls(session, calls[at] ?? []),
      capture: () => timeCapture(shards, teacher, what),
    };
    const names = Object.keys(ways) as (keyof Turn)[];
    const spent: Partial<Record<keyof Turn, Spent>> = {};
    for (const way of turn % 2 === 0 ? names : names.toReversed()) {
      spent[way] = await spentBy(ways[way]);
    }
    // The first turn warms up.
    if (turn > 0) turns.push(spent as Turn);
  }
  await Promise.all([graph.close(), session.close(), teacher.close()]);
  const ratios = (way: 'graph' | 'session', of: keyof Spent) =>
    turns.map((turn) => turn.capture[of] / turn[way][of]).toSorted((a, b) => a - b);
  const beside = ratios('session', 'ms');
  const quarter = Math.floor(beside.length / 4);
  const totalOf = (of: keyof Spent) => sum(turns.map((turn) => turn.session[of])) / rounds;
  return [
    name,
    `${rows.length}`,
    `${turns.length}`,
    (totalOf('ms') / 1000).toFixed(2),
    percent(median(beside)),
    `${percent(beside[quarter] ?? 0)} to ${percent(beside.at(-1 - quarter) ?? 0)}`,
    percent(median(ratios('session', 'cpuMs'))),
    percent(median(ratios('graph', 'ms'))),
    percent(own / totalOf('cpuMs')),
    aim,
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function headOf({ model, keep, logits, isPerToken = false }: Case): SoftLabelHead {
  const nodes = isPerToken ? readGraphNodes(model) : undefined;
  return softLabelHead(skimModel(model), { ...keep, perToken: isPerToken, logits, nodes });
}

/** One call of a session. */
interface Call {
  readonly feeds: Readonly<Record<string, SessionTensor>>;
  readonly fetches: readonly string[] | undefined;
}

/** The call as the user's own graph takes it: without the input of our head, for its logits. */
function toGraph(asked: string | undefined, logits: string): (call: Call) => Call {
  return ({ feeds: { [asked ?? '']: _ours, ...feeds } }) => ({ feeds, fetches: [logits] });
}

/** The tensors are there before the clock starts. Milliseconds. */
async function timeCalls(session: OnnxSession, calls: readonly Call[]): Promise<number> {
  const start = performance.now();
  for (const { feeds, fetches } of calls) await session.run(feeds, fetches);
  return performance.now() - start;
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
 * What stage one asks of its session for each part, lone rows doubled and all; and the CPU time of all our threads over
 * these rows where a graph takes none: what it has answered once is given again.
 */
async function replayed(
  parts: readonly (readonly TeacherRow[])[],
  one: Case,
  device: Provider,
): Promise<{ readonly calls: readonly (readonly Call[])[]; readonly cpuMs: number }> {
  const { model, classNames, keep, isPerToken = false } = one;
  const { bytes, edits, outputs } = headOf(one);
  const options = { device, threads: THREADS, appendix: bytes, edits };
  const real = await openThreadedSession(model, options);
  const calls: Call[][] = [];
  const said: Promise<Record<string, SessionTensor>>[] = [];
  let replay: Iterator<Promise<Record<string, SessionTensor>>> | undefined;
  const session: OnnxSession = {
    ...real,
    run(feeds, fetches) {
      if (replay !== undefined) return replay.next().value ?? Promise.resolve({});
      // A session in a thread takes its tensors away.
      calls.at(-1)?.push({ feeds: structuredClone(feeds), fetches });
      const answer = real.run(feeds, fetches);
      said.push(answer);
      return answer;
    },
  };
  const teacher = teacherOf(session, outputs, { keep, padTokenId: 0 });
  const what = { keep, classNames, perToken: isPerToken };
  const folder = temporaryFolder();
  const captureAll = async () => {
    for (const part of parts) {
      calls.push([]);
      await timeCapture(shardsOf(part, folder), teacher, what);
    }
  };
  await captureAll();
  await real.close();
  replay = said.values();
  const before = process.cpuUsage();
  await captureAll();
  return { calls: calls.slice(0, parts.length), cpuMs: cpuSince(before) };
}
