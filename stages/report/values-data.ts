import type { Timings } from '#datasets/metrics/metrics.ts';
import type { SeedSpread } from '#datasets/metrics/seed-spread.ts';
import type { ValueMetrics } from '#datasets/metrics/value-metrics.ts';
import type { ChosenStudent } from './gather-choices.ts';
import type { Deployed } from './gather-deployment.ts';
import type { Gain } from './gather-gains.ts';
import type { HeadResults } from './gather-heads.ts';
import type { CacheFigures, CorpusFigures, Origin, TrainingCurve } from './report-data.ts';

/** A model whose answers are numbers. */
export interface ValueModel {
  readonly metrics: ValueMetrics;
  /** null: it does not run, as its answers stand in files. */
  readonly timings: Timings | null;
  /** Which of the page's colours is this model's: 0 is the teacher's. */
  readonly colour: number;
  /** Of a variant with several seeds. */
  readonly spread?: SeedSpread | undefined;
}

/** Everything that the page of a value task shows. */
export interface ValuesData {
  readonly title: string;
  readonly models: readonly ValueModel[];
  readonly headline: ValueModel;
  readonly teacher: ValueModel | null;
  readonly gains: readonly Gain[];
  /** Further tasks of the same students. */
  readonly heads: readonly HeadResults[];
  readonly choices: readonly ChosenStudent[];
  readonly deployed: Deployed;
  readonly curves: readonly TrainingCurve[];
  /** Train rows that the teacher answered. */
  readonly cachedRows: number;
  /** What the teacher left open; null of numbers, which have no entropy. */
  readonly entropy: Pick<CacheFigures, 'entropyNats' | 'meanEntropyNats'> | null;
  readonly corpus: CorpusFigures;
  readonly origin: Origin;
}
