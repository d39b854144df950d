import { randomFor } from '#stages/numerics/random.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import type { Tensorflow } from '#stages/tensorflow/runtime.ts';
import type { Feeds } from '#stages/tensorflow/step-program.ts';
import { type BatchLayout, trainingFeedSpecs } from '#stages/train-student/batches/batch-feeds.ts';
import { studentProgram } from '#stages/train-student/student-program.ts';
import { raceSteps, type StepContender } from './contenders.ts';
import { ms, percent } from './figures.ts';

/** A student that speaks, and how many tokens of a batch it is asked for. */
interface SpeakingCase {
  readonly name: string;
  readonly shape: StudentShape;
  readonly batchSize: number;
  readonly asked: number;
}

const cases = (): readonly SpeakingCase[] => [
  {
    name: 'masked, modernbert 2x128, batch 32, length 64',
    shape: shapeOf('modernbert', 'masked'),
    batchSize: 32,
    asked: Math.round(0.15 * 32 * 64),
  },
  {
    name: 'causal, gpt2 2x128, batch 8, length 64',
    shape: shapeOf('gpt2', 'causal'),
    batchSize: 8,
    asked: 8 * 63,
  },
];

/** Distilled, with cross-entropy, and with logits of tokens that nobody asks for. */
export async function besideAllTokens(bench: {
  readonly tf: Tensorflow;
  readonly rounds: number;
}): Promise<string[][]> {
  const lines: string[][] = [];
  for (const given of cases()) {
    const { name, shape, batchSize, asked } = given;
    const contenders = [
      contenderOf(bench.tf, given, { name: 'plain', answers: asked, soft: false }),
      contenderOf(bench.tf, given, { name: 'distilled', answers: asked, soft: true }),
      contenderOf(bench.tf, given, {
        name: 'all',
        answers: batchSize * shape.maxLength,
        soft: false,
      }),
    ];
    const taken = await raceSteps(contenders, { rounds: 2 * bench.rounds, steps: 1 });
    const [plain = NaN, distilled = NaN] = [taken.get('plain'), taken.get('distilled')];
    const dearer = percent(distilled / plain - 1);
    lines.push([name, String(asked), ms(plain), ms(distilled), dearer, ms(taken.get('all'))]);
  }
  return lines;
}

function contenderOf(
  tf: Tensorflow,
  { shape, batchSize }: SpeakingCase,
  { name, answers, soft }: { name: string; answers: number; soft: boolean },
): StepContender {
  const architecture = architectureOf(shape.architecture);
  const layout: BatchLayout = {
    batchSize,
    padTokenId: 0,
    dropout: false,
    soft: soft ? { type: 'top-k', width: TOP_K } : null,
    // As a training does: what a teacher says of a token takes the place of gold.
    goldPerRow: soft ? 0 : 1,
    answersPerBatch: new Map([[shape.maxLength, answers]]),
  };
  const program = studentProgram({
    architecture,
    shape,
    initialWeights: initialise(architecture.parameters(shape), 1),
    layout,
    buckets: [shape.maxLength],
    settings: { labelSmoothing: 0, weightDecay: 0.01, maxGradNorm: 1 },
  });
  const stepper = createGraphStepper(tf, program);
  const feeds = feedsOf(layout, shape, answers);
  const step = () => {
    const start = performance.now();
    stepper.step(shape.maxLength, feeds, 1e-3);
    return performance.now() - start;
  };
  return {
    name,
    run: (steps) => Promise.resolve(Array.from({ length: steps }, step)),
    close: () => stepper.dispose(),
  };
}

function feedsOf(layout: BatchLayout, { maxLength }: StudentShape, answers: number): Feeds {
  const random = randomFor(1, 'batch');
  const below = (count: number, limit: number): Int32Array =>
    Int32Array.from({ length: count }, () => Math.floor(random() * limit));
  const { batchSize } = layout;
  const even = -Math.log(TOP_K + 1);
  const feeds: Record<string, Int32Array | Float32Array> = {
    inputIds: below(batchSize * maxLength, VOCABULARY),
    lengths: new Int32Array(batchSize).fill(maxLength),
    answerAt: below(answers, batchSize * maxLength),
    rowWeights: new Float32Array(answers).fill(1),
    temperature: Float32Array.of(1),
    softLossWeight: Float32Array.of(1),
    hardLossWeight: Float32Array.of(1),
    topIds: Int32Array.from({ length: answers * TOP_K }, (_, i) => (7 * i) % VOCABULARY),
    topLogProbs: new Float32Array(answers * TOP_K).fill(even),
    tailLogMass: new Float32Array(answers).fill(even),
    goldIds: below(answers, VOCABULARY),
    goldWeights: new Float32Array(answers).fill(1),
  };
  const names = trainingFeedSpecs(layout, maxLength).map(({ name }) => name);
  return Object.fromEntries(names.map((name) => [name, feeds[name] ?? new Float32Array()]));
}

function shapeOf(
  architecture: 'modernbert' | 'gpt2',
  languageModel: 'masked' | 'causal',
): StudentShape {
  return {
    architecture,
    languageModel,
    vocabularySize: VOCABULARY,
    classCount: VOCABULARY,
    maxLength: 64,
    layers: 2,
    hiddenSize: 128,
    heads: 2,
    intermediateSize: 256,
    dropout: 0,
    padTokenId: 0,
    clsTokenId: 101,
    sepTokenId: 102,
  };
}

const VOCABULARY = 30_522;
const TOP_K = 64;
