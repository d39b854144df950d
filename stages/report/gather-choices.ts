import { type Choice, readChoice } from '#datasets/choice.ts';
import { readTimings } from '#datasets/metrics/metrics.ts';

/** What was taken for a variant with `architecture: auto`. */
export interface ChosenStudent {
  readonly variant: string;
  readonly choice: Choice;
  /** Median of one row at a time, by candidate. */
  readonly latencyMs: ReadonlyMap<string, number>;
}

/** The choices of the run, in the order of its inputs. */
export async function readChoices(
  inputs: Readonly<Record<string, string>>,
): Promise<ChosenStudent[]> {
  const found = Object.entries(inputs).filter(([input]) => input.startsWith(PREFIX));
  return Promise.all(
    found.map(async ([input, folder]) => {
      const choice = await readChoice(folder);
      const latencyMs = new Map<string, number>();
      for (const { name } of choice.candidates) {
        const metrics = inputs[`metrics.${name}`];
        const timings = metrics === undefined ? null : await readTimings(metrics);
        if (timings !== null) latencyMs.set(name, timings.latencyMsBatch1.p50);
      }
      return { variant: input.slice(PREFIX.length), choice, latencyMs };
    }),
  );
}

const PREFIX = 'choice.';
