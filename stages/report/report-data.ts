import type { Metrics, Timings } from '#datasets/metrics/metrics.ts';
import type { SeedSpread } from '#datasets/metrics/seed-spread.ts';
import type { RelabelSummary } from '#datasets/relabel-summary.ts';
import type { ChosenStudent } from './gather-choices.ts';
import type { Deployed } from './gather-deployment.ts';
import type { DoubtedLabels } from './gather-doubts.ts';
import type { Gain } from './gather-gains.ts';
import type { HeadResults } from './gather-heads.ts';

/** Everything that the page shows, read and counted; the page itself only lays it out. */
export interface ReportData {
  readonly title: string;
  /** The teacher first where it was evaluated, then the variants in the order asked for. */
  readonly models: readonly ModelResult[];
  /** The student that the first sentence is about, and the one it is compared with. */
  readonly headline: ModelResult;
  readonly teacher: ModelResult | null;
  readonly baseline: ModelResult | null;
  /** Of the headline's student, over baseline and teacher. */
  readonly gains: readonly Gain[];
  /** What was taken where `architecture: auto` asked for it. */
  readonly choices: readonly ChosenStudent[];
  readonly deployed: Deployed;
  /** Further tasks of the students. */
  readonly heads: readonly HeadResults[];
  readonly curves: readonly TrainingCurve[];
  readonly cache: CacheFigures;
  readonly relabelling: Relabelling | null;
  readonly mistakes: readonly Mistake[];
  readonly doubts: readonly DoubtedLabels[];
  readonly corpus: CorpusFigures;
  readonly origin: Origin;
}

export interface ModelResult {
  readonly metrics: Metrics;
  readonly timings: Timings | null;
  /** Which of the page's colours is this model's, on every plot: 0 is the teacher's. */
  readonly colour: number;
  /** Of a variant with several seeds, all of which go by its name on the page. */
  readonly spread?: SeedSpread | undefined;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface TrainingCurve {
  readonly name: string;
  readonly colour: number;
  readonly loss: readonly Point[];
  /** What the task is judged by, as figures are named, and how it went. */
  readonly validation: { readonly figure: string; readonly points: readonly Point[] };
}

export interface HistogramBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** What the teacher's cache of the train rows looks like. */
export interface CacheFigures {
  readonly rows: number;
  readonly kept: string;
  readonly temperatures: readonly number[];
  readonly entropyNats: readonly HistogramBin[];
  readonly confidence: readonly HistogramBin[];
  readonly meanEntropyNats: number;
  readonly meanConfidence: number;
}

export interface Relabelling {
  readonly summary: RelabelSummary;
  readonly examples: readonly RelabelledExample[];
}

export interface RelabelledExample {
  /** Null where texts are not to be shown. */
  readonly text: string | null;
  readonly exampleId: string;
  /** Null where the row had none. */
  readonly oldLabel: string | null;
  readonly newLabel: string;
  readonly reason: string;
  /** Of the new label. */
  readonly teacherConfidence: number;
  readonly studentConfidence: number;
  /** What decided; null in files from before it was kept. */
  readonly confidence: number | null;
}

/** A test row that the headline student gets wrong although it is sure. */
export interface Mistake {
  readonly text: string | null;
  readonly exampleId: string;
  readonly gold: string;
  readonly predicted: string;
  readonly confidence: number;
}

export interface CorpusFigures {
  readonly classCount: number;
  readonly splits: readonly SplitFigures[];
  /** Counted by prepare: duplicates, leaks, rejected rows. */
  readonly rejects: readonly Fact[];
}

export interface SplitFigures {
  readonly split: string;
  readonly examples: number;
  /** Corpus rows behind the examples, equal ones counted each. */
  readonly rows: number;
  readonly labelled: number | null;
  readonly truncated: number | null;
}

export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** How to get this page again. */
export interface Origin {
  readonly command: string;
  readonly resolvedConfig: string;
  readonly facts: readonly Fact[];
}
