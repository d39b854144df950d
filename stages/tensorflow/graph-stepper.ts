import { scalarFeeds } from './feeds.ts';
import { GraphSession } from './graph-session.ts';
import { optimizerScalars } from './optimizer.ts';
import type { Tensorflow } from './runtime.ts';
import { CARRIED_SHARE, type GraphCall, recordStepGraph } from './step-graph.ts';
import {
  initialState,
  type OptimizerState,
  requireAccumulating,
  requireBucket,
  type StepProgram,
  type Stepper,
} from './step-program.ts';
import type { RecordingOptions } from './step-recorder.ts';

/**
 * Records the program and then runs each step as one call into a graph. Weights and moments live in
 * the graph's session: only the batch goes in and only the reported numbers come out.
 */
export function createGraphStepper(
  tf: Tensorflow,
  program: StepProgram,
  how: RecordingOptions = {},
): Stepper {
  const graph = recordStepGraph(tf, program, how);
  const session = new GraphSession(tf, graph.savedModel);
  let step = 0;
  // Parts of the batch whose gradients wait in the graph.
  let carriedParts = 0;
  const nothing = new Float32Array(program.initialWeights.length);
  const restore = ({ weights, slots, step: taken }: OptimizerState): void => {
    const { decayMask } = program;
    session.run(graph.restoring, { ...slots, weights, decayMask, carried: nothing });
    step = taken;
    carriedParts = 0;
  };
  const carriedFeed = () => scalarFeeds({ [CARRIED_SHARE]: carriedParts > 0 ? 1 : 0 });
  restore(initialState(program));
  return {
    kind: 'graph',
    eagerSteps: 0,
    restore,
    accumulate(bucket, feeds) {
      requireAccumulating(program);
      const call = callOf(program, graph.accumulation, bucket);
      const [loss = Number.NaN, ...parts] = session.run(call, { ...feeds, ...carriedFeed() });
      carriedParts += 1;
      return { loss, parts: named(call.parts, parts) };
    },
    step(bucket, feeds, learningRate) {
      const call = callOf(program, graph.training, bucket);
      const scalars = scalarFeeds(optimizerScalars(step + 1, learningRate, program.optimizer));
      const values = session.run(call, { ...feeds, ...scalars, ...carriedFeed() });
      step += 1;
      carriedParts = 0;
      const [loss = Number.NaN, gradNorm = Number.NaN, ...parts] = values;
      return { loss, gradNorm, parts: named(call.parts, parts) };
    },
    evaluate: (bucket, feeds) => session.run(callOf(program, graph.evaluation, bucket), feeds),
    state() {
      const { weights, ...slots } = readAll(session, graph.reading);
      if (weights === undefined) throw new Error('the graph has no weights');
      return { weights, slots, step };
    },
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

function readAll(
  session: GraphSession,
  calls: Readonly<Record<string, GraphCall>>,
): Record<string, Float32Array> {
  const read = Object.entries(calls).map(([name, call]) => [name, session.run(call, {})]);
  return Object.fromEntries(read);
}

function named(names: readonly string[], values: readonly number[]): Record<string, number> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? Number.NaN]));
}
