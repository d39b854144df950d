import { adamwFeeds } from './adamw.ts';
import { scalarFeeds } from './feeds.ts';
import { GraphSession } from './graph-session.ts';
import type { Tensorflow } from './runtime.ts';
import { recordStepGraph } from './step-graph.ts';
import {
  initialState,
  type OptimizerState,
  requireBucket,
  type StepProgram,
  type Stepper,
  type StepResult,
} from './step-program.ts';

/**
 * Records the program and then runs each step as one call into a graph. Weights and moments live in
 * the graph's session: only the batch goes in and only the reported numbers come out.
 */
export function createGraphStepper(tf: Tensorflow, program: StepProgram): Stepper {
  const graph = recordStepGraph(tf, program);
  const session = new GraphSession(tf, graph.savedModel);
  let step = 0;
  const restore = (state: OptimizerState): void => {
    const { step: taken, ...vectors } = state;
    session.run(graph.restoring, { ...vectors, decayMask: program.decayMask });
    step = taken;
  };
  restore(initialState(program));
  return {
    kind: 'graph',
    eagerSteps: 0,
    restore,
    step(bucket, feeds, learningRate) {
      const call = callOf(program, graph.training, bucket);
      const scalars = scalarFeeds(adamwFeeds(step + 1, learningRate, program.optimizer));
      const values = session.run(call, { ...feeds, ...scalars });
      step += 1;
      return stepResult(values, call.parts);
    },
    evaluate: (bucket, feeds) => session.run(callOf(program, graph.evaluation, bucket), feeds),
    state: () => ({
      weights: session.run(graph.reading.weights, {}),
      firstMoment: session.run(graph.reading.firstMoment, {}),
      secondMoment: session.run(graph.reading.secondMoment, {}),
      step,
    }),
    dispose: () => session.close(),
  };
}

function callOf<Call>(
  program: StepProgram,
  calls: ReadonlyMap<number, Call>,
  bucket: number,
): Call {
  requireBucket(program, bucket);
  const call = calls.get(bucket);
  if (call === undefined) throw new Error(`bucket ${bucket} was not recorded`);
  return call;
}

function stepResult(values: Float32Array, names: readonly string[]): StepResult {
  const [loss = Number.NaN, gradNorm = Number.NaN, ...parts] = values;
  const named = names.map((name, index) => [name, parts[index] ?? Number.NaN]);
  return { loss, gradNorm, parts: Object.fromEntries(named) };
}
