import { expAtEach } from './exp-ladder.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { HeadOutputs } from './surgery.ts';

/** Names of what is computed from the logits. */
type HeadParts = Omit<HeadOutputs, 'logits' | 'logitsShape' | 'asked' | 'hidden' | 'draws'>;

/**
 * One Exp over all classes, taken relative to the best class OUTSIDE the top k: with
 *   m1 = best logit, m2 = best logit of the tail,
 *   A_T = sum over the top k of exp((z - m1)/T), S_T = sum over the tail of exp((z - m2)/T),
 *   Z_T = A_T + S_T exp((m2 - m1)/T)
 * LSE_T = m1/T + log Z_T, and the log of the tail's mass is (m2 - m1)/T + log S_T - log Z_T. Nothing
 * cancels: a tail of e^-200 is as exact as one of e^-1, where 1 - sum(top k) is noise below e^-13.
 */
export function topKHead(
  build: GraphBuilder,
  logits: string,
  topK: number,
  temperatures: readonly number[],
): HeadParts {
  const [best, ids] = build.topK(logits, topK);
  const tail = build.scatter(logits, ids, OUTSIDE);
  const tailHighest = build.highest(tail);
  const tailShifted = build.binary('Sub', tail, tailHighest);
  const tailExps = expAtEach(build, tailShifted, withOne(temperatures));

  // All that is as small as a row or the top k is computed in float64.
  const highest = build.cast(build.highest(best), 'float64');
  const topShifted = build.binary('Sub', build.cast(best, 'float64'), highest);
  const gap = build.binary('Sub', build.cast(tailHighest, 'float64'), highest); // m2 - m1 <= 0
  const at = (temperature: number) => {
    const topExp = build.unary('Exp', build.divide(topShifted, temperature, 'float64'));
    const tailExp = tailExps.get(temperature) ?? '';
    const tailSum = build.sum(tailExp);
    const scaledGap = build.divide(gap, temperature, 'float64');
    const tailScale = build.unary('Exp', scaledGap);
    const scaledTail = build.binary('Mul', tailSum, tailScale);
    const total = build.binary('Add', build.sum(topExp, 'float64'), scaledTail);
    const logTotal = build.unary('Log', total);
    const logTail = build.binary('Add', scaledGap, build.unary('Log', tailSum));
    const tailLogMass = build.binary('Sub', logTail, logTotal);
    const scaledHighest = build.divide(highest, temperature, 'float64');
    const logSumExp = build.binary('Add', scaledHighest, logTotal);
    return { topExp, tailExp, tailSum, tailScale, total, logTotal, logSumExp, tailLogMass };
  };
  const byTemperature = new Map(withOne(temperatures).map((value) => [value, at(value)]));
  const stored = temperatures.flatMap((temperature) => byTemperature.get(temperature) ?? []);

  // H = log Z - E[z - m1], the tail's part being E[(z - m2) + (m2 - m1)].
  const one = at1(byTemperature);
  const topPart = build.sum(build.binary('Mul', one.topExp, topShifted), 'float64');
  const tailSpread = build.sum(build.binary('Mul', one.tailExp, tailShifted));
  const tailOffset = build.binary('Mul', one.tailSum, gap);
  const tailMean = build.binary('Add', tailSpread, tailOffset);
  const tailPart = build.binary('Mul', one.tailScale, tailMean);
  const mean = build.binary('Div', build.binary('Add', topPart, tailPart), one.total);

  const hasNoTail = build.binary('Less', tailHighest, build.constant(OUTSIDE / 10));
  const nothing = build.constant(-Infinity, 'float64');
  return {
    topLogits: build.output('top_logits', best, topK),
    topIds: build.output('top_ids', ids, topK, 'int32'),
    logSumExp: stored.map((part, index) => build.output(`log_sum_exp_${index}`, part.logSumExp, 1)),
    tailLogMass: stored.map(({ tailLogMass }, index) => {
      const value = build.where(hasNoTail, nothing, tailLogMass);
      return build.output(`tail_log_mass_${index}`, value, 1);
    }),
    entropyNats: build.output('entropy', build.binary('Sub', one.logTotal, mean), 1),
  };
}

/** Of all classes at once: LSE_T = m/T + log sum exp((z - m)/T) with the best logit m; no tail is left. */
export function denseHead(
  build: GraphBuilder,
  logits: string,
  temperatures: readonly number[],
): HeadParts {
  const highest = build.highest(logits);
  const shifted = build.binary('Sub', logits, highest);
  const exps = expAtEach(build, shifted, withOne(temperatures));
  const totals = new Map([...exps].map(([temperature, exp]) => [temperature, build.sum(exp)]));
  const logTotals = new Map(
    [...totals].map(([temperature, total]) => [temperature, build.unary('Log', total)]),
  );
  const wideHighest = build.cast(highest, 'float64');
  const mean = build.binary('Div', build.sum(build.binary('Mul', at1(exps), shifted)), at1(totals));
  return {
    topLogits: undefined,
    topIds: undefined,
    logSumExp: temperatures.map((temperature, index) => {
      const scaled = build.divide(wideHighest, temperature, 'float64');
      const value = build.binary('Add', scaled, logTotals.get(temperature) ?? '');
      return build.output(`log_sum_exp_${index}`, value, 1);
    }),
    tailLogMass: [],
    entropyNats: build.output('entropy', build.binary('Sub', at1(logTotals), mean), 1),
  };
}

function at1<T>(values: ReadonlyMap<number, T>): T {
  const value = values.get(1);
  if (value === undefined) throw new RangeError('temperature 1 was not built');
  return value;
}

/** Entropy is told at T = 1, also where 1 is not stored. */
function withOne(temperatures: readonly number[]): number[] {
  return [...new Set([...temperatures, 1])];
}

// Finite on purpose: with -Infinity, 0 * -Infinity would make the entropy NaN.
const OUTSIDE = -1e30;
