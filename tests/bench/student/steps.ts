import type { Tensorflow } from '#stages/tensorflow/runtime.ts';
import { nameOf, productFlops, type StepCase, stepCase, stepCases } from './cases.ts';
import {
  eagerContender,
  graphContender,
  raceSteps,
  type StepContender,
  torchContender,
} from './contenders.ts';
import { geometricMean, ms, percent, times } from './figures.ts';
import { peakFlops } from './peak.ts';
import type { TorchWorker } from './torch-worker.ts';

/** What the parts about steps share. */
export interface StepBench {
  readonly tf: Tensorflow;
  readonly torch: TorchWorker | undefined;
  readonly rounds: number;
  readonly steps: number;
  readonly xla: boolean;
}

/** Milliseconds of a step of each case: graph, XLA and PyTorch, and how near the matrix products are to the peak. */
export async function steps(bench: StepBench): Promise<string[][]> {
  const { tf, torch, xla } = bench;
  const ratios = { graph: [] as number[], xla: [] as number[] };
  const lines: string[][] = [];
  for (const given of stepCases) {
    const contenders = [
      graphContender(tf, given, false),
      ...(xla ? [graphContender(tf, given, true)] : []),
      ...(torch ? [torchContender(torch, given)] : []),
    ];
    const taken = await raceSteps(contenders, bench);
    // Beside the steps, since a busy machine has another peak every minute.
    const peak = peakFlops(tf);
    const [graph = NaN, compiled = NaN, python = NaN] = ['graph', 'xla', 'torch'].map((name) =>
      taken.get(name),
    );
    ratios.graph.push(python / graph);
    if (xla) ratios.xla.push(python / compiled);
    lines.push([
      nameOf(given),
      ms(taken.get('graph')),
      ms(taken.get('xla')),
      ms(taken.get('torch')),
      times(python / graph),
      times(python / compiled),
      percent(productFlops(given, { onlyFirst: true }) / (graph / 1000) / peak),
      percent(productFlops(given, { onlyFirst: false }) / (python / 1000) / peak),
    ]);
  }
  const means = [ratios.graph, ratios.xla].map((all) => times(geometricMean(all)));
  return [...lines, ['geometric mean', '', '', '', ...means, '', '']];
}

/** The recorded step beside the eager one. */
export async function besideEager(bench: StepBench): Promise<string[][]> {
  const given = stepCase('modernbert', { layers: 2, hiddenSize: 128, maxLength: 32 });
  const contenders = [graphContender(bench.tf, given, false), eagerContender(bench.tf, given)];
  const taken = await raceSteps(contenders, bench);
  const [graph = NaN, eager = NaN] = [taken.get('graph'), taken.get('eager')];
  return [[nameOf(given), ms(eager), ms(graph), times(eager / graph)]];
}

/** A distillation step beside one of cross-entropy alone, for few classes and for a vocabulary of them. */
export async function besideCrossEntropy(bench: StepBench): Promise<string[][]> {
  const size = { layers: 2, hiddenSize: 128, maxLength: 32 };
  const cases = [
    { classCount: 77, topK: 10, aim: '<= 5 %' },
    { classCount: 30_000, topK: 64, aim: '<= 10 %' },
  ];
  const lines: string[][] = [];
  for (const { aim, ...classes } of cases) {
    const distilled = stepCase('modernbert', { ...size, ...classes });
    const plain: StepCase = { ...distilled, isDistilled: false };
    const contenders: StepContender[] = [
      graphContender(bench.tf, distilled, false),
      { ...graphContender(bench.tf, plain, false), name: 'plain' },
    ];
    const taken = await raceSteps(contenders, bench);
    const [soft = NaN, hard = NaN] = [taken.get('graph'), taken.get('plain')];
    const name = `${classes.classCount} classes, k = ${classes.topK}`;
    lines.push([name, ms(hard), ms(soft), percent(soft / hard - 1), aim]);
  }
  return lines;
}
