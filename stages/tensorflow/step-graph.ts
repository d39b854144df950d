import { type AdamWScalars, type AdamWTensors, adamwStep } from './adamw.ts';
import { lossAndGradient } from './gradient.ts';
import type { Scalar, Tensor, Tensor1D, Tensorflow } from './runtime.ts';
import type { FeedSpec, StepProgram } from './step-program.ts';
import { StepRecorder } from './step-recorder.ts';

/** A call into the graph: what is fed to which output, and the one output that is fetched. */
export interface GraphCall {
  readonly feeds: readonly FeedSpec[];
  /** The graph outputs that the feeds replace, in their order. */
  readonly inputs: readonly string[];
  readonly output: string;
}

/** A training step; it fetches [loss, gradient norm, ...parts]. */
export interface TrainingCall extends GraphCall {
  readonly parts: readonly string[];
}

/** A step program as one graph: all its buckets share the variables. */
export interface StepGraph {
  readonly savedModel: Uint8Array;
  readonly training: ReadonlyMap<number, TrainingCall>;
  readonly evaluation: ReadonlyMap<number, GraphCall>;
  readonly reading: Readonly<Record<keyof AdamWTensors, GraphCall>>;
  /** Sets every variable; takes a feed for each. */
  readonly restoring: GraphCall;
}

/** Runs the program once per bucket, forwards and backwards, and keeps what it did as a graph. */
export function recordStepGraph(tf: Tensorflow, program: StepProgram): StepGraph {
  const recorder = new StepRecorder(tf);
  const training = new Map<number, TrainingCall>();
  const evaluation = new Map<number, GraphCall>();
  const size = program.initialWeights.length;
  const restoring = addVariables(recorder, size);
  tf.tidy(() => {
    const state = declareVariables(tf, recorder, program);
    const scalars = declareScalars(tf, recorder);
    for (const bucket of program.buckets) {
      training.set(bucket, addTraining(tf, recorder, program, bucket, state, scalars));
      evaluation.set(bucket, addEvaluation(tf, recorder, program, bucket, state.weights));
    }
  });
  const read = (name: string): GraphCall => ({ feeds: [], inputs: [], output: `${name}/read:0` });
  return {
    savedModel: recorder.graph.savedModel(),
    training,
    evaluation,
    reading: {
      weights: read('weights'),
      firstMoment: read('firstMoment'),
      secondMoment: read('secondMoment'),
    },
    restoring,
  };
}

type StateTensors = AdamWTensors & { readonly decayMask: Tensor1D };

function addVariables(recorder: StepRecorder, size: number): GraphCall {
  const { graph } = recorder;
  const type = { type: recorder.type('float32') };
  const assigned = VARIABLES.map((name) => {
    const shape = { shape: [size] };
    graph.add(
      'VarHandleOp',
      [],
      { dtype: type, shape, shared_name: { text: name }, container: { text: '' } },
      name,
    );
    graph.add('ReadVariableOp', [name], { dtype: type }, `${name}/read`);
    graph.add('Placeholder', [], { dtype: type, shape }, `${name}/new`);
    // A fed tensor lies in memory of JavaScript, which a variable must not outlive.
    graph.add('DeepCopy', [`${name}/new`], { T: type }, `${name}/copy`);
    return graph.add('AssignVariableOp', [name, `${name}/copy`], { dtype: type }, `${name}/set`);
  });
  const done = { constant: { type: type.type, shape: [], data: Float32Array.of(1) } };
  graph.add('Const', [], { dtype: type, value: done }, 'done');
  graph.add('Identity', ['done', ...assigned.map((node) => `^${node}`)], { T: type }, 'restored');
  return {
    feeds: VARIABLES.map((name) => ({ name, dtype: 'float32', shape: [size] })),
    inputs: VARIABLES.map((name) => `${name}/new:0`),
    output: 'restored:0',
  };
}

function declareVariables(
  tf: Tensorflow,
  recorder: StepRecorder,
  program: StepProgram,
): StateTensors {
  const declared = (name: string, tensor: Tensor1D): Tensor1D => {
    recorder.declare(tensor, `${name}/read:0`);
    return tensor;
  };
  const size = program.initialWeights.length;
  return {
    weights: declared('weights', tf.tensor1d(program.initialWeights)),
    firstMoment: declared('firstMoment', tf.zeros([size])),
    secondMoment: declared('secondMoment', tf.zeros([size])),
    decayMask: declared('decayMask', tf.tensor1d(program.decayMask)),
  };
}

function declareScalars(tf: Tensorflow, recorder: StepRecorder): AdamWScalars {
  const declared = (name: string): Scalar =>
    addPlaceholder(tf, recorder, { name, dtype: 'float32', shape: [] }, name) as Scalar;
  return {
    learningRate: declared('learningRate'),
    firstCorrection: declared('firstCorrection'),
    secondCorrection: declared('secondCorrection'),
  };
}

function addTraining(
  tf: Tensorflow,
  recorder: StepRecorder,
  program: StepProgram,
  bucket: number,
  state: StateTensors,
  scalars: AdamWScalars,
): TrainingCall {
  const prefix = `train${bucket}`;
  const specs = program.feeds(bucket);
  const tensors = addFeeds(tf, recorder, specs, prefix);
  const { loss, parts, gradNorm, next } = recorder.record(() => {
    const differentiated = lossAndGradient(tf, program, state.weights, tensors, bucket);
    const { gradient } = differentiated;
    const { gradNorm, ...next } = adamwStep(
      tf,
      state,
      gradient,
      state.decayMask,
      scalars,
      program.optimizer,
    );
    return { ...differentiated, gradNorm, next };
  });
  const reported = [loss, gradNorm, ...Object.values(parts)].map((tensor) =>
    recorder.outputOf(tensor),
  );
  const updates = Object.entries(next).map(([name, tensor]) =>
    recorder.graph.add('AssignVariableOp', [name, recorder.outputOf(tensor)], {
      dtype: { type: recorder.type('float32') },
    }),
  );
  tf.dispose(parts);
  return {
    feeds: [...specs, ...scalarSpecs],
    inputs: [
      ...specs.map((_, index) => `${prefix}/feed${index}:0`),
      ...scalarSpecs.map(({ name }) => `${name}:0`),
    ],
    output: addReport(recorder, reported, updates),
    parts: Object.keys(parts),
  };
}

// The report waits for the updates, so that fetching it takes the step.
function addReport(
  recorder: StepRecorder,
  reported: readonly string[],
  updates: readonly string[],
): string {
  const type = { type: recorder.type('float32') };
  const packed = recorder.graph.add('Pack', reported, {
    N: { int: reported.length },
    T: type,
    axis: { int: 0 },
  });
  return `${recorder.graph.add('Identity', [packed, ...updates.map((node) => `^${node}`)], { T: type })}:0`;
}

function addEvaluation(
  tf: Tensorflow,
  recorder: StepRecorder,
  program: StepProgram,
  bucket: number,
  weights: Tensor1D,
): GraphCall {
  const prefix = `evaluate${bucket}`;
  const feeds = program.evaluationFeeds(bucket);
  const tensors = addFeeds(tf, recorder, feeds, prefix);
  const result = recorder.record(() => program.evaluate(tf, weights, tensors, bucket));
  const inputs = feeds.map((_, index) => `${prefix}/feed${index}:0`);
  return { feeds, inputs, output: recorder.outputOf(result) };
}

function addFeeds(
  tf: Tensorflow,
  recorder: StepRecorder,
  specs: readonly FeedSpec[],
  prefix: string,
): Record<string, Tensor> {
  return Object.fromEntries(
    specs.map((spec, index) => [
      spec.name,
      addPlaceholder(tf, recorder, spec, `${prefix}/feed${index}`),
    ]),
  );
}

function addPlaceholder(
  tf: Tensorflow,
  recorder: StepRecorder,
  spec: FeedSpec,
  node: string,
): Tensor {
  const shape = { shape: spec.shape };
  recorder.graph.add(
    'Placeholder',
    [],
    { dtype: { type: recorder.type(spec.dtype) }, shape },
    node,
  );
  // Zeros are valid ids and seeds; the numbers of the recorded run itself do not matter.
  const tensor = tf.zeros([...spec.shape], spec.dtype);
  recorder.declare(tensor, `${node}:0`);
  return tensor;
}

const VARIABLES = ['weights', 'firstMoment', 'secondMoment', 'decayMask'] as const;

const scalarSpecs = ['learningRate', 'firstCorrection', 'secondCorrection'].map(
  (name): FeedSpec => ({ name, dtype: 'float32', shape: [] }),
);
