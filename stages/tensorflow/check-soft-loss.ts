import { normal, randomFor } from '#stages/numerics/random.ts';
import { createEagerStepper } from './eager-stepper.ts';
import { createGraphStepper } from './graph-stepper.ts';
import { type OwnSoftLoss, ownSoftLoss, SoftLossShapeError } from './own-soft-loss.ts';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensorflow } from './runtime.ts';
import type { SoftTargets } from './soft-loss.ts';
import { exampleTargets, type TargetExample, type TargetForm } from './soft-loss-examples.ts';
import type { StepProgram } from './step-program.ts';

/** One thing that a soft loss has to do, and whether it does. */
export interface LossCheck {
  readonly form: TargetForm;
  readonly name: string;
  readonly passed: boolean;
  /** What was seen; where it did not pass, what is wrong and the way out. */
  readonly detail: string;
}

/** Tries a soft loss of the user's own on soft labels of one form. A loss that throws fails the first check. */
export function checkSoftLoss(
  tf: Tensorflow,
  loss: OwnSoftLoss,
  form: TargetForm,
): readonly LossCheck[] {
  const subject: Subject = { tf, loss, form };
  const first = attempt(subject, 'one loss a row', oneLossPerRow);
  if (!first.passed) return [first];
  const others: readonly [string, (subject: Subject) => Finding][] = [
    ['finite numbers', finiteNumbers],
    ['gradient is that of differences', gradientOfDifferences],
    ['rows stand alone', rowsStandAlone],
    ['recorded graph = eager', graphIsEager],
  ];
  return [first, ...others.map(([name, check]) => attempt(subject, name, check))];
}

interface Subject {
  readonly tf: Tensorflow;
  readonly loss: OwnSoftLoss;
  readonly form: TargetForm;
}

type Finding = Pick<LossCheck, 'passed' | 'detail'>;

function attempt(subject: Subject, name: string, check: (subject: Subject) => Finding): LossCheck {
  const { form, tf } = subject;
  tf.engine().startScope();
  try {
    return { form, name, ...check(subject) };
  } catch (error) {
    const detail =
      error instanceof SoftLossShapeError ? `${error.message}; ${error.fix}` : String(error);
    return { form, name, passed: false, detail };
  } finally {
    tf.engine().endScope();
  }
}

function oneLossPerRow(subject: Subject): Finding {
  const { loss } = lossAndSlopes(subject, studentLogits(1), example(subject, 1));
  return { passed: true, detail: `${ROWS} losses of ${ROWS} rows, their mean is ${short(loss)}` };
}

/** Also where teacher and student are certain, as trained ones are. */
function finiteNumbers(subject: Subject): Finding {
  for (const scale of [1, 30]) {
    for (const teacherScale of [1, 30]) {
      const { loss, slopes } = lossAndSlopes(
        subject,
        studentLogits(scale),
        example(subject, teacherScale),
      );
      if (![loss, ...slopes].every(Number.isFinite)) {
        const where = `logits about ${3 * scale} of the student and ${3 * teacherScale} of the teacher`;
        const fix =
          'take tf.logSoftmax instead of tf.log(tf.softmax(x)), and tf.maximum under a logarithm';
        return {
          passed: false,
          detail: `${where} give ${short(loss)} or a slope that is no number; ${fix}`,
        };
      }
    }
  }
  return { passed: true, detail: 'of logits about 3 and about 90' };
}

function gradientOfDifferences(subject: Subject): Finding {
  const [logits, target] = [studentLogits(1), example(subject, 1)];
  const { slopes } = lossAndSlopes(subject, logits, target);
  const steepest = slopes.reduce((most, slope) => Math.max(most, Math.abs(slope)), 0);
  if (steepest === 0) {
    return {
      passed: false,
      detail:
        'the gradient is 0 everywhere: the loss does not depend on studentLogits by operations of tf',
    };
  }
  const step = 0.02;
  let worst = { error: 0, row: 0, classId: 0, found: 0, wanted: 0 };
  for (const [at, found] of slopes.entries()) {
    const moved = (by: number) =>
      lossAndSlopes(
        subject,
        logits.map((v, i) => (i === at ? v + by : v)),
        target,
      ).loss;
    const wanted = (moved(step) - moved(-step)) / (2 * step);
    const error = Math.abs(found - wanted) / steepest;
    if (error > worst.error) {
      worst = { error, row: Math.floor(at / CLASSES), classId: at % CLASSES, found, wanted };
    }
  }
  const share = `${(100 * worst.error).toFixed(2)} % of the steepest slope apart at most`;
  if (worst.error <= TOLERANCE) return { passed: true, detail: share };
  const { row, classId, found, wanted } = worst;
  return {
    passed: false,
    detail: `row ${row}, class ${classId}: the gradient is ${short(found)}, differences of the loss give ${short(wanted)}; look at tf.customGrad, and at what stops gradients (casts, comparisons)`,
  };
}

function rowsStandAlone(subject: Subject): Finding {
  const target = example(subject, 1);
  const logits = studentLogits(1);
  const changed = logits.map((logit, at) => (at < CLASSES ? logit + 5 * (at % 2) : logit));
  const [before, after] = [logits, changed].map((values) => rowLosses(subject, values, target));
  const touched = before?.findIndex(
    (loss, row) =>
      row > 0 && Math.abs(loss - (after?.[row] ?? Number.NaN)) > 1e-5 * Math.max(1, Math.abs(loss)),
  );
  if (touched === -1) return { passed: true, detail: 'another row changes no loss' };
  return {
    passed: false,
    detail: `other logits in row 0 change the loss of row ${touched}: rows that only fill up a batch would count; reduce over axis 1 alone`,
  };
}

function graphIsEager(subject: Subject): Finding {
  const { tf } = subject;
  const target = example(subject, 1);
  const program = programOf(subject, target);
  const graph = createGraphStepper(tf, program);
  const eager = createEagerStepper(tf, program);
  try {
    for (let step = 0; step < 3; step++) {
      const [recorded, direct] = [graph, eager].map(
        (stepper) => stepper.step(1, target.feeds, 0.1).loss,
      );
      if (
        !(Math.abs((recorded ?? 0) - (direct ?? 0)) <= 1e-4 * Math.max(1, Math.abs(direct ?? 0)))
      ) {
        return {
          passed: false,
          detail: `step ${step}: ${short(recorded ?? 0)} in the graph, ${short(direct ?? 0)} eager; only studentLogits and targets may change from step to step`,
        };
      }
    }
    return { passed: true, detail: 'three steps' };
  } finally {
    graph.dispose();
    eager.dispose();
  }
}

/** A training of the logits themselves. */
function programOf({ loss }: Subject, target: TargetExample): StepProgram {
  const size = ROWS * CLASSES;
  return {
    initialWeights: Float32Array.from(studentLogits(1)),
    decayMask: new Float32Array(size),
    buckets: [1],
    feeds: () => target.specs,
    loss: (tf, weights, feeds) => ({
      loss: ownSoftLoss(tf, loss, tf.reshape(weights, [ROWS, CLASSES]), target.targets(feeds)),
      parts: {},
    }),
    evaluationFeeds: () => [],
    evaluate: (_, weights) => weights,
    optimizer: {
      kind: 'adamw',
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
      maxGradNorm: Number.POSITIVE_INFINITY,
    },
  };
}

function lossAndSlopes(
  { tf, loss }: Subject,
  logits: readonly number[],
  target: TargetExample,
): { readonly loss: number; readonly slopes: readonly number[] } {
  return tf.tidy(() => {
    const targets = targetsOf(tf, target);
    const { value, grad } = tf.valueAndGrad(
      (student): Scalar => ownSoftLoss(tf, loss, student as Tensor2D, targets),
    )(tf.tensor2d([...logits], [ROWS, CLASSES]));
    return { loss: value.dataSync()[0] ?? Number.NaN, slopes: [...grad.dataSync()] };
  });
}

function rowLosses(
  { tf, loss }: Subject,
  logits: readonly number[],
  target: TargetExample,
): number[] {
  return tf.tidy(() => {
    const student = tf.tensor2d([...logits], [ROWS, CLASSES]);
    const rows: Tensor1D = loss(tf, { studentLogits: student, targets: targetsOf(tf, target) });
    return [...rows.dataSync()];
  });
}

function targetsOf(tf: Tensorflow, target: TargetExample): SoftTargets {
  const tensors = target.specs.map(({ name, shape, dtype }): [string, Tensor] => [
    name,
    tf.tensor((target.feeds[name] ?? new Float32Array()).slice(), [...shape], dtype),
  ]);
  return target.targets(Object.fromEntries(tensors));
}

function example({ form }: Subject, scale: number): TargetExample {
  return exampleTargets(form, { rows: ROWS, classCount: CLASSES, scale });
}

/** Row-major, normal about 0. */
function studentLogits(scale: number): number[] {
  const random = randomFor(5, 'student');
  return Array.from({ length: ROWS * CLASSES }, () => 1.5 * scale * normal(random));
}

function short(value: number): string {
  return value.toPrecision(4);
}

const ROWS = 4;
const CLASSES = 6;

/** Apart, as a share of the steepest slope: what differences in float32 can tell, and kinks of no measure. */
const TOLERANCE = 0.02;
