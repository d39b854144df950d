import { float32Of, int32Of, type SessionTensor } from '#stages/onnx/session.ts';
import type { DrawsOutputs, HeadOutputs } from '#stages/onnx/surgery.ts';
import { drawnRow } from './draw-labels.ts';
import type { DrawnRow, LabelColumns } from './label-columns.ts';
import { hiddenName, type Keep } from './settings.ts';
import { valueColumns } from './value-columns.ts';

/** Only what is kept leaves the session; the first batch brings its logits too, to be looked at. */
export function fetchesOf(
  outputs: HeadOutputs,
  { probe, task }: { readonly probe: boolean; readonly task: Keep['task'] },
): string[] {
  if (task !== undefined) return [outputs.logits, outputs.logitsShape, ...outputs.hidden];
  const { topLogits, topIds, logits, logSumExp, tailLogMass, entropyNats, logitsShape } = outputs;
  const { ids, best, confidence } = outputs.draws ?? {};
  const numbers =
    outputs.draws === undefined
      ? [topLogits, topIds, ...logSumExp, ...tailLogMass]
      : [ids, best, confidence];
  const names = [...numbers, entropyNats, logitsShape, ...outputs.hidden];
  const kept = names.filter((name) => name !== undefined);
  return probe || (topLogits ?? ids) === undefined ? [...kept, logits] : kept;
}

/** What a run has fetched, as columns of the cache. */
export function columnsOf(
  results: Readonly<Record<string, SessionTensor>>,
  outputs: HeadOutputs,
  { task, classCount, hidden = [] }: Keep,
): LabelColumns {
  const { topLogits, topIds } = outputs;
  const floats = (name: string) => float32Of(results, name);
  const features = hidden.length > 0 && {
    hidden: Object.fromEntries(
      outputs.hidden.map((name, at) => [hiddenName(hidden[at] ?? ''), floats(name)]),
    ),
  };
  if (task !== undefined) {
    return { ...valueColumns(floats(outputs.logits), task, classCount), ...features };
  }
  if (outputs.draws !== undefined) {
    const entropyNats = floats(outputs.entropyNats);
    const drawn = drawnIn(results, outputs.draws);
    return { ...NOTHING, entropyNats, drawn, ...features };
  }
  return {
    topIds: topIds === undefined ? new Int32Array() : int32Of(results, topIds),
    topLogits: topLogits === undefined ? new Float32Array() : floats(topLogits),
    logits: topLogits === undefined ? floats(outputs.logits) : new Float32Array(),
    logSumExp: outputs.logSumExp.map(floats),
    tailLogMass: outputs.tailLogMass.map(floats),
    entropyNats: floats(outputs.entropyNats),
    ...features,
  };
}

/** The draws of each row; none of a row whose logits are no numbers. */
function drawnIn(
  results: Readonly<Record<string, SessionTensor>>,
  { ids, best, confidence, count }: DrawsOutputs,
): (DrawnRow | undefined)[] {
  const [drawn, first] = [int32Of(results, ids), int32Of(results, best)];
  return Array.from(float32Of(results, confidence), (share, row) => {
    if (!Number.isFinite(share)) return undefined;
    const counts = new Map<number, number>();
    for (const id of drawn.subarray(row * count, (row + 1) * count)) {
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return drawnRow(counts, first[row] ?? 0, share);
  });
}

const NOTHING = {
  topIds: new Int32Array(),
  topLogits: new Float32Array(),
  logits: new Float32Array(),
  logSumExp: [],
  tailLogMass: [],
} as const;
