import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { skimModel } from '#stages/onnx/model-skim.ts';
import type { Provider } from '#stages/onnx/placement.ts';
import type { OnnxSession, SessionTensor } from '#stages/onnx/session.ts';
import { type HeadOutputs, softLabelHead } from '#stages/onnx/surgery.ts';
import { openThreadedSession } from '#stages/onnx/threaded-session.ts';
import { type Keep, keepOf, softLabelConfig } from '#stages/soft-label/settings.ts';
import { teacherOf } from '#stages/soft-label/teacher.ts';
import { feedsOf, matchTeacherInputs } from '#stages/soft-label/teacher-inputs.ts';
import type { TeacherRow } from '#stages/soft-label/teacher-rows.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { DECODED, tiedDecoder, VOCABULARY } from '#tests/support/tied-decoder.ts';
import {
  type BenchSample,
  batchesOf,
  median,
  perToken,
  shardsOf,
  sum,
  takeTurns,
  timeCapture,
} from './rows.ts';

const THREADS = 2;

/**
 * What stage one costs beyond the teacher itself: from tokens to committed shards, against nothing but
 * `session.run` of the same session on the same batches. One line a way of keeping.
 */
export async function overheads(
  { model, rows: texts, classNames }: BenchSample,
  rounds: number,
  rowLimit: number,
  device: Provider = 'cpu',
): Promise<string[][]> {
  const plain = readFileSync(model);
  const decoder = Buffer.concat([plain, tiedDecoder()]);
  const rows = texts.slice(0, rowLimit);
  const pieces = Array.from({ length: VOCABULARY }, (_, id) => `${id}`);
  const tokens = rows.slice(0, Math.ceil(rowLimit / 20)).map(perToken);
  const keep = (changes: object, classes: number) =>
    keepOf(softLabelConfig.parse(changes), classes);
  const top10 = { model: plain, rows, classNames, keep: keep({ topK: 10 }, 77) };
  const dense = { ...top10, keep: keep({ keep: 'all' }, 77) };
  const wide = {
    model: decoder,
    rows: tokens,
    classNames: pieces,
    keep: keep({ topK: 32, temperatures: [1] }, VOCABULARY),
    logits: DECODED,
  };
  const how = { rounds, device };
  return [
    await overhead('k = 10 of 77', top10, how, '<= 103 %'),
    await overhead('dense 77', dense, how, '<= 103 %'),
    await overhead('k = 32 of 30,522, a row a token', wide, how, '<= 108 %'),
  ];
}

interface Case {
  readonly model: Uint8Array;
  readonly rows: readonly TeacherRow[];
  readonly classNames: readonly string[];
  readonly keep: Keep;
  /** Output of [batch, sequence, classes]; the rows have answers then. */
  readonly logits?: string;
}

async function overhead(
  name: string,
  { model, rows, classNames, keep, logits }: Case,
  { rounds, device }: { readonly rounds: number; readonly device: Provider },
  aim: string,
): Promise<string[]> {
  const isPerToken = logits !== undefined;
  const request = { ...keep, perToken: isPerToken, ...(isPerToken && { logits }) };
  const head = softLabelHead(skimModel(model), request);
  const options = { device, threads: THREADS, appendix: head.bytes };
  const session = await openThreadedSession(model, options);
  const teacher = teacherOf(session, head.outputs, { keep, padTokenId: 0 });
  const folder = temporaryFolder();
  const shards = shardsOf(rows, folder);
  const batches = shards.flatMap((shard) => batchesOf(shard.rows, keep.classCount, teacher.shape));
  const times = await takeTurns(
    {
      bare: () => timeBare(session, head.outputs, batches),
      capture: async () => {
        await rm(folder, { recursive: true, force: true });
        return timeCapture(shards, teacher, { keep, classNames, perToken: isPerToken });
      },
    },
    rounds,
  );
  await teacher.close();
  const [bare, captured] = ['bare', 'capture'].map((way) => median(times.get(way) ?? []));
  const count = sum(batches.flatMap(({ members }) => members.map((row) => row.tokenIds.length)));
  const seconds = (ms = Number.NaN) => (ms / 1000).toFixed(2);
  const share = ((captured ?? 0) / (bare ?? 1)) * 100;
  return [
    name,
    `${rows.length}`,
    `${count}`,
    seconds(bare),
    seconds(captured),
    `${share.toFixed(1)} %`,
    aim,
  ];
}

/** Tensors are made before the clock starts. */
async function timeBare(
  session: OnnxSession,
  outputs: HeadOutputs,
  batches: ReturnType<typeof batchesOf>,
): Promise<number> {
  const ownInputs = session.inputs.filter(({ name }) => name !== outputs.asked);
  const inputs = matchTeacherInputs({ ...session, inputs: ownInputs });
  const feeds = batches.map(({ members, length }) => ({
    ...feedsOf(inputs, members, { length }, { padTokenId: 0 }),
    ...askedOf(outputs, members, length),
  }));
  const { topLogits, topIds, logits, logSumExp, tailLogMass, entropyNats } = outputs;
  const kept = topLogits === undefined || topIds === undefined ? [logits] : [topLogits, topIds];
  const fetches = [...kept, ...logSumExp, ...tailLogMass, entropyNats];
  const start = performance.now();
  for (const one of feeds) await session.run(one, fetches);
  return performance.now() - start;
}

function askedOf(
  { asked }: HeadOutputs,
  members: readonly TeacherRow[],
  length: number,
): Record<string, SessionTensor> {
  if (asked === undefined) return {};
  const places = members.flatMap((row, at) =>
    Array.from(row.answers?.at ?? [], (place) => at * length + place),
  );
  const data = BigInt64Array.from(places, BigInt);
  return { [asked]: { type: 'int64', data, dims: [data.length] } };
}
