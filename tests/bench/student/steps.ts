import type { Tensorflow } from '#stages/tensorflow/runtime.ts';
import { nameOf, productFlops, type StepCase, stepCase } from './cases.ts';
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
  /** Whether XLA takes the graph's place: it wants all cores for each operation, a graph half of them. */
  readonly xla: boolean;
  /** Whether torch.compile takes part. */
  readonly compile: boolean;
}

/**
 * Milliseconds of a step of each case: graph or XLA, PyTorch and compiled PyTorch. Ratios are to the faster PyTorch;
 * `of peak` is the matrix products alone beside the peak of the machine.
 */
export async function steps(bench: StepBench, cases: readonly StepCase[]): Promise<string[][]> {
  const { tf, torch, xla, compile } = bench;
  const ratios = { graph: [] as number[], xla: [] as number[] };
  const lines: string[][] = [];
  for (const given of cases) {
    const contenders = [
      graphContender(tf, given, xla),
      ...(torch ? [torchContender(torch, given)] : []),
      ...(torch && compile ? [torchContender(torch, given, true)] : []),
    ];
    const taken = await raceSteps(contenders, bench);
    // Beside the steps, since a busy machine has another peak every minute.
    const peak = peakFlops(tf);
    const [graph = NaN, compiled = NaN, eagerTorch = NaN, compiledTorch = Infinity] = NAMES.map(
      (name) => taken.get(name),
    );
    const python = Math.min(eagerTorch, compiledTorch);
    (xla ? ratios.xla : ratios.graph).push(python / (xla ? compiled : graph));
    const share = (onlyFirst: boolean, took: number) =>
      Number.isNaN(took) ? '-' : percent(productFlops(given, { onlyFirst }) / (took / 1000) / peak);
    lines.push([
      nameOf(given),
      ...NAMES.map((name) => ms(taken.get(name))),
      times(python / graph),
      times(python / compiled),
      share(true, graph),
      share(true, compiled),
      share(false, python),
    ]);
  }
  const means = [ratios.graph, ratios.xla].map((all) => times(geometricMean(all)));
  return [...lines, ['geometric mean', '', '', '', '', ...means, '', '', '']];
}

/** The recorded step beside the eager one. */
export async function besideEager(bench: StepBench): Promise<string[][]> {
  const given = stepCase('modernbert', { layers: 2, hiddenSize: 128, maxLength: 32 });
  const contenders = [graphContender(bench.tf, given, false), eagerContender(bench.tf, given)];
  const taken = await raceSteps(contenders, stepByStep(bench));
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
    const taken = await raceSteps(contenders, stepByStep(bench));
    const [soft = NaN, hard = NaN] = [taken.get('graph'), taken.get('plain')];
    const name = `${classes.classCount} classes, k = ${classes.topK}`;
    lines.push([name, ms(hard), ms(soft), percent(soft / hard - 1), aim]);
  }
  return lines;
}

/** Turns of one step: what shares a process and differs by a few percent is compared within milliseconds. */
function stepByStep({ rounds, steps }: StepBench) {
  return { rounds: rounds * steps, steps: 1 };
}

const NAMES = ['graph', 'xla', 'torch', 'compiled torch'] as const;
