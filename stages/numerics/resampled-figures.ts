import { eachRow, type Units } from './bootstrap.ts';
import { entityCounts, entityScore, totalCounts } from './entities.ts';

/** Classes of labelled rows. */
export interface JudgedAnswers {
  readonly predictedIds: Int32Array;
  readonly goldIds: Int32Array;
}

/** accuracy and macroF1 of the rows of a draw of units, from counts a class. */
export function resampledClasses(
  { predictedIds, goldIds }: JudgedAnswers,
  units: Units,
  classCount: number,
): (draw: Int32Array) => { accuracy: number; macroF1: number } {
  // [classCount] each.
  const [named, hits] = [new Int32Array(classCount), new Int32Array(classCount)];
  return (draw) => {
    named.fill(0);
    hits.fill(0);
    let [rows, right] = [0, 0];
    eachRow(units, draw, (row) => {
      const [gold = 0, said = 0] = [goldIds[row], predictedIds[row]];
      named[gold] = (named[gold] ?? 0) + 1;
      named[said] = (named[said] ?? 0) + 1;
      rows += 1;
      if (gold !== said) return;
      hits[gold] = (hits[gold] ?? 0) + 1;
      right += 1;
    });
    // F1 = 2 hits / (gold + predicted), of the classes that occur as either.
    let [sum, seen] = [0, 0];
    for (let id = 0; id < classCount; id++) {
      const count = named[id] ?? 0;
      if (count === 0) continue;
      sum += (2 * (hits[id] ?? 0)) / count;
      seen += 1;
    }
    return { accuracy: right / Math.max(1, rows), macroF1: sum / Math.max(1, seen) };
  };
}

/** entityF1 of drawn sentences. */
export function resampledEntities(
  sentences: readonly { readonly gold: readonly string[]; readonly predicted: readonly string[] }[],
): (draw: Int32Array) => { entityF1: number } {
  const counts = sentences.map((sentence) => totalCounts(entityCounts([sentence]).values()));
  return (draw) => {
    let [gold, predicted, correct] = [0, 0, 0];
    for (const sentence of draw) {
      const own = counts[sentence];
      gold += own?.gold ?? 0;
      predicted += own?.predicted ?? 0;
      correct += own?.correct ?? 0;
    }
    return { entityF1: entityScore({ gold, predicted, correct }).f1 };
  };
}

/** microF1 and subsetAccuracy of drawn rows; logits and shares [rows * width]. A logit above 0, or a share from 0.5 on, is a yes. */
export function resampledLabels(
  own: Float32Array,
  targets: Float32Array,
  width: number,
): (draw: Int32Array) => { microF1: number; subsetAccuracy: number } {
  const rows = own.length / width;
  const [said, both, whole] = [new Int32Array(rows), new Int32Array(rows), new Uint8Array(rows)];
  for (let row = 0; row < rows; row++) {
    let [yes, shared, unequal] = [0, 0, 0];
    for (let place = row * width; place < (row + 1) * width; place++) {
      const [says, is] = [(own[place] ?? 0) > 0, (targets[place] ?? 0) >= 0.5];
      yes += Number(says) + Number(is);
      shared += Number(says && is);
      unequal += Number(says !== is);
    }
    said[row] = yes;
    both[row] = shared;
    whole[row] = unequal === 0 ? 1 : 0;
  }
  return (draw) => {
    let [yes, shared, right] = [0, 0, 0];
    for (const row of draw) {
      yes += said[row] ?? 0;
      shared += both[row] ?? 0;
      right += whole[row] ?? 0;
    }
    return {
      microF1: yes === 0 ? 0 : (2 * shared) / yes,
      subsetAccuracy: right / Math.max(1, draw.length),
    };
  };
}
