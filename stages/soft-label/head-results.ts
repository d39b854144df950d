import { float32Of, int32Of, type SessionTensor } from '#stages/onnx/session.ts';
import type { HeadOutputs } from '#stages/onnx/surgery.ts';
import type { LabelColumns } from './label-columns.ts';
import { hiddenName, type Keep } from './settings.ts';
import { valueColumns } from './value-columns.ts';

/** Only what is kept leaves the session; the first batch brings its logits too, to be looked at. */
export function fetchesOf(
  outputs: HeadOutputs,
  { probe, task }: { readonly probe: boolean; readonly task: Keep['task'] },
): string[] {
  if (task !== undefined) return [outputs.logits, outputs.logitsShape, ...outputs.hidden];
  const { topLogits, topIds, logits, logSumExp, tailLogMass, entropyNats, logitsShape } = outputs;
  const numbers = [topLogits, topIds, ...logSumExp, ...tailLogMass, entropyNats, logitsShape];
  const names = [...numbers, ...outputs.hidden];
  const kept = names.filter((name) => name !== undefined);
  return probe || topLogits === undefined ? [...kept, logits] : kept;
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
