import type { StepProgram, Stepper } from '#stages/tensorflow/step-program.ts';

/**
 * The programs of several heads over the same weights as one, so that they share variables and the state of the
 * optimiser. A step is of one head: to all others its gradient is 0, and momentum and decay go on.
 */
export function joinedProgram(programs: readonly [StepProgram, ...StepProgram[]]): StepProgram {
  const ofKey = <Result>(
    key: number,
    use: (own: StepProgram, bucket: number) => Result,
  ): Result => {
    const own = programs[Math.floor(key / LENGTHS)];
    if (own === undefined) throw new RangeError(`no head has the graph ${key}`);
    return use(own, key % LENGTHS);
  };
  return {
    ...programs[0],
    buckets: programs.flatMap(({ buckets }, head) => buckets.map((bucket) => keyOf(head, bucket))),
    feeds: (key) => ofKey(key, (own, bucket) => own.feeds(bucket)),
    loss: (tf, weights, feeds, key) =>
      ofKey(key, (own, bucket) => own.loss(tf, weights, feeds, bucket)),
    evaluationFeeds: (key) => ofKey(key, (own, bucket) => own.evaluationFeeds(bucket)),
    evaluate: (tf, weights, feeds, key) =>
      ofKey(key, (own, bucket) => own.evaluate(tf, weights, feeds, bucket)),
  };
}

/** The stepper of a joined program as that of one head, by its place: `bucket` is a sequence length again. */
export function stepperOfHead(stepper: Stepper, head: number): Stepper {
  return {
    ...stepper,
    get eagerSteps() {
      return stepper.eagerSteps;
    },
    accumulate: (bucket, feeds) => stepper.accumulate(keyOf(head, bucket), feeds),
    step: (bucket, feeds, learningRate) => stepper.step(keyOf(head, bucket), feeds, learningRate),
    evaluate: (bucket, feeds) => stepper.evaluate(keyOf(head, bucket), feeds),
  };
}

/** Of the first head it is the length itself, so that a program of one head is what it was. */
function keyOf(head: number, bucket: number): number {
  return head * LENGTHS + bucket;
}

/** More than any sequence length. */
const LENGTHS = 2 ** 20;
