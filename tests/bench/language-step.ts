// A training step of language models at 30,522 classes: distilled (k = 64) against cross-entropy, and logits
// of the asked tokens against logits of all. CPU time beside wall time, as the former bears a busy machine.
// Usage: node --import tsx tests/bench/language-step.ts [rounds]
import { randomFor } from '#stages/numerics/random.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import { loadTensorflow } from '#stages/tensorflow/runtime.ts';
import type { Feeds } from '#stages/tensorflow/step-program.ts';
import { type BatchLayout, trainingFeedSpecs } from '#stages/train-student/batch-feeds.ts';
import { studentProgram } from '#stages/train-student/student-program.ts';

const VOCABULARY = 30_522;
const TOP_K = 64;
const LENGTH = 64;

/** The same student asked for some tokens or for all, with one loss or the other. */
interface Kind {
  readonly name: string;
  readonly answers: number;
  readonly soft: boolean;
}

const cases = [
  { task: 'masked-lm, ModernBERT 2x128', batchSize: 32, shape: shapeOf('modernbert', 'masked') },
  { task: 'causal-lm, GPT-2 2x128', batchSize: 8, shape: shapeOf('gpt2', 'causal') },
] as const;

main();

function main(): void {
  const rounds = Number(process.argv[2] ?? 5);
  const { tf } = loadTensorflow({ device: 'auto' });
  for (const { task, batchSize, shape } of cases) {
    const all = batchSize * LENGTH;
    const asked = shape.languageModel === 'masked' ? Math.round(0.15 * all) : all - batchSize;
    const kinds: Kind[] = [
      { name: 'cross-entropy, asked tokens', answers: asked, soft: false },
      { name: 'distilled, asked tokens', answers: asked, soft: true },
      { name: 'cross-entropy, all tokens', answers: all, soft: false },
    ];
    const specs = architectureOf(shape.architecture).parameters(shape);
    const initialWeights = initialise(specs, 1);
    const runs = kinds.map((kind) => {
      const layout: BatchLayout = {
        batchSize,
        padTokenId: 0,
        dropout: false,
        soft: kind.soft ? { type: 'top-k', width: TOP_K } : null,
        goldPerRow: kind.soft ? 0 : 1,
        answersPerBatch: new Map([[LENGTH, kind.answers]]),
      };
      const program = studentProgram({
        architecture: architectureOf(shape.architecture),
        shape,
        initialWeights,
        layout,
        buckets: [LENGTH],
        settings: { labelSmoothing: 0, weightDecay: 0.01, maxGradNorm: 1 },
      });
      const feeds = feedsOf(layout, kind.answers);
      return { kind, stepper: createGraphStepper(tf, program), feeds, wall: [0], cpu: [0] };
    });
    for (let round = -1; round < rounds; round++) {
      for (const { stepper, feeds, wall, cpu } of runs) {
        const [started, used] = [performance.now(), process.cpuUsage()];
        stepper.step(LENGTH, feeds, 1e-3);
        const { user, system } = process.cpuUsage(used);
        // The first round allocates.
        if (round < 0) continue;
        wall[round] = performance.now() - started;
        cpu[round] = (user + system) / 1000;
      }
    }
    console.log(
      `${task}, batch ${batchSize}, length ${LENGTH}, ${VOCABULARY} classes, k = ${TOP_K}`,
    );
    console.table(
      Object.fromEntries(
        runs.map(({ kind, wall, cpu }) => [
          kind.name,
          { rows: kind.answers, wallMs: Math.round(median(wall)), cpuMs: Math.round(median(cpu)) },
        ]),
      ),
    );
    for (const { stepper } of runs) stepper.dispose();
  }
}

function feedsOf(layout: BatchLayout, answers: number): Feeds {
  const random = randomFor(1, 'batch');
  const below = (count: number, limit: number): Int32Array =>
    Int32Array.from({ length: count }, () => Math.floor(random() * limit));
  const { batchSize } = layout;
  const feeds: Record<string, Int32Array | Float32Array> = {
    inputIds: below(batchSize * LENGTH, VOCABULARY),
    lengths: new Int32Array(batchSize).fill(LENGTH),
    answerAt: below(answers, batchSize * LENGTH),
    rowWeights: new Float32Array(answers).fill(1),
    temperature: Float32Array.of(1),
    softLossWeight: Float32Array.of(1),
    hardLossWeight: Float32Array.of(1),
    topIds: Int32Array.from({ length: answers * TOP_K }, (_, i) => (7 * i) % VOCABULARY),
    topLogProbs: new Float32Array(answers * TOP_K).fill(-Math.log(TOP_K + 1)),
    tailLogMass: new Float32Array(answers).fill(-Math.log(TOP_K + 1)),
    goldIds: below(answers, VOCABULARY),
    goldWeights: new Float32Array(answers).fill(1),
  };
  const names = trainingFeedSpecs(layout, LENGTH).map(({ name }) => name);
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
    maxLength: LENGTH,
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

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
