import { Failure } from '#cache/failure.ts';
import type { StepResult } from '#stages/tensorflow/step-program.ts';

/** Where a training went astray. */
export interface Divergence {
  readonly step: number;
  readonly problem: string;
  readonly learningRate: number;
  /** Step of the last checkpoint before it; null: there is none. */
  readonly keptStep: number | null;
}

/** The loss is no longer a number, or far above where it began. */
export class DivergedError extends Failure {
  readonly divergence: Divergence;

  /** `folder`: where the student of the last checkpoint lies, once it is written. */
  constructor(divergence: Divergence, folder?: string) {
    const { step, problem, learningRate, keptStep } = divergence;
    const what = folder === undefined ? '' : ` as a student: ${folder}`;
    const kept =
      keptStep === null ? '' : `; the weights after step ${keptStep}, before it, are kept${what}`;
    const goOn =
      folder === undefined
        ? ''
        : `, and student.initialise: { from: ${JSON.stringify(folder)} } to go on from these weights`;
    super(
      'model',
      'E_TRAINING_DIVERGED',
      `step ${step}: ${problem} (learning rate ${learningRate})${kept}`,
      `the same command diverges again: set a lower learningRate, such as ${learningRate / 3}, a longer warmup, or a lower maxGradNorm${goOn}`,
    );
    this.divergence = divergence;
  }
}

/** Watches the losses of a training. Terms are looked at without their weights, which a schedule may move. */
export class LossGuard {
  #firstLoss: number | null;
  #recent: number[] = [];

  constructor(firstLoss: number | null) {
    this.#firstLoss = firstLoss;
  }

  /** Mean loss of the first steps, once they are taken. */
  get firstLoss(): number | null {
    return this.#firstLoss;
  }

  /** What is wrong after this step; null: nothing. */
  problemAfter(result: StepResult): string | null {
    const { loss, gradNorm } = result;
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
      return `the loss is ${loss} and the gradient norm ${gradNorm}`;
    }
    this.#recent = [...this.#recent.slice(1 - WINDOW), unweighted(result)];
    if (this.#recent.length < WINDOW) return null;
    this.#firstLoss ??= this.#mean();
    const limit = EXPLODED * this.#level(this.#firstLoss);
    if (this.#mean() <= limit) return null;
    return `the mean loss of ${WINDOW} steps is ${this.#mean().toPrecision(3)}, more than ${EXPLODED} times that of the first (${this.#firstLoss.toPrecision(3)})`;
  }

  /** False where the loss climbs: a checkpoint of that would replace a good one. */
  get isSound(): boolean {
    if (this.#firstLoss === null || this.#recent.length === 0) return true;
    return this.#mean() <= SUSPICIOUS * this.#level(this.#firstLoss);
  }

  #mean(): number {
    return this.#recent.reduce((sum, loss) => sum + loss, 0) / this.#recent.length;
  }

  // A student that begins near its teacher has a tiny loss, ten times of which is nothing.
  #level(firstLoss: number): number {
    return Math.max(1, firstLoss);
  }
}

function unweighted({ loss, parts }: StepResult): number {
  const terms = Object.values(parts);
  return terms.length === 0 ? loss : terms.reduce((sum, term) => sum + term, 0);
}

/** Steps whose mean loss is looked at. */
const WINDOW = 25;
/** Times its start that a loss may not reach: no training that learns comes near. */
const EXPLODED = 10;
/** Times its start above which no checkpoint is written. */
const SUSPICIOUS = 3;
