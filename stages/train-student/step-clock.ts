/** Tells how much of the time of a training goes by waiting for batches. */
export interface StepClock {
  /** Counts the time until the batch is there as waiting. */
  waitFor<Value>(batch: Promise<Value>): Promise<Value>;
  /** Counts the time that the step takes. */
  time<Value>(step: () => Value): Value;
  /** Share of waiting since the last call. */
  waitShare(): number;
  /** Share of waiting since the start. */
  totalWaitShare(): number;
}

/** Starts to count. Measurements and checkpoints between steps count as neither. */
export function startStepClock(now: () => number = () => performance.now()): StepClock {
  let [waitedMs, workedMs] = [0, 0];
  let [toldWaitedMs, toldWorkedMs] = [0, 0];
  return {
    async waitFor(batch) {
      const start = now();
      const value = await batch;
      waitedMs += now() - start;
      return value;
    },
    time(step) {
      const start = now();
      const value = step();
      workedMs += now() - start;
      return value;
    },
    waitShare() {
      const share = shareOf(waitedMs - toldWaitedMs, workedMs - toldWorkedMs);
      [toldWaitedMs, toldWorkedMs] = [waitedMs, workedMs];
      return share;
    },
    totalWaitShare: () => shareOf(waitedMs, workedMs),
  };
}

function shareOf(part: number, rest: number): number {
  return part + rest === 0 ? 0 : part / (part + rest);
}
