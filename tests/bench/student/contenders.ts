import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import type { Tensorflow } from '#stages/tensorflow/runtime.ts';
import type { Stepper } from '#stages/tensorflow/step-program.ts';
import { batchOf, programOf, type StepCase } from './cases.ts';
import { median } from './figures.ts';
import type { TorchWorker } from './torch-worker.ts';

/** Something that takes steps and tells how many milliseconds each took. */
export interface StepContender {
  readonly name: string;
  readonly run: (steps: number) => Promise<readonly number[]>;
  close(): void;
}

/** The recorded step, with XLA or without. */
export function graphContender(tf: Tensorflow, given: StepCase, xla: boolean): StepContender {
  return contenderOf(
    xla ? 'xla' : 'graph',
    given,
    createGraphStepper(tf, programOf(given, { xla }), { xla }),
  );
}

/** The step operation by operation. */
export function eagerContender(tf: Tensorflow, given: StepCase): StepContender {
  return contenderOf('eager', given, createEagerStepper(tf, programOf(given)));
}

/** The same step in PyTorch, in a process of its own, with torch.compile or without. */
export function torchContender(
  worker: TorchWorker,
  given: StepCase,
  compile = false,
): StepContender {
  return {
    name: compile ? 'compiled torch' : 'torch',
    run: (steps) => worker.steps(given, { steps, compile }),
    close: () => undefined,
  };
}

/** Seconds of a training of so many steps in PyTorch, its start included. */
export async function torchSeconds(
  worker: TorchWorker,
  given: StepCase,
  steps: number,
): Promise<number> {
  const start = performance.now();
  await worker.steps(given, { steps, compile: false });
  return (performance.now() - start) / 1000;
}

/**
 * Median milliseconds of a step of each contender: rounds take turns, so that a busy machine disturbs all
 * alike. What comes before them warms up and compiles.
 */
export async function raceSteps(
  contenders: readonly StepContender[],
  { rounds, steps }: { readonly rounds: number; readonly steps: number },
): Promise<ReadonlyMap<string, number>> {
  const taken = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  try {
    for (const contender of contenders) await contender.run(WARM_UP);
    for (let round = 0; round < rounds; round++) {
      for (const { name, run } of contenders) taken.get(name)?.push(median(await run(steps)));
    }
  } finally {
    for (const contender of contenders) contender.close();
  }
  return new Map([...taken].map(([name, medians]) => [name, median(medians)]));
}

function contenderOf(name: string, given: StepCase, stepper: Stepper): StepContender {
  let next = 0;
  return {
    name,
    run: (steps) =>
      Promise.resolve(
        Array.from({ length: steps }, () => {
          const feeds = batchOf(given, next++);
          const start = performance.now();
          stepper.step(given.maxLength, feeds, 1e-3);
          return performance.now() - start;
        }),
      ),
    close: () => stepper.dispose(),
  };
}

const WARM_UP = 5;
