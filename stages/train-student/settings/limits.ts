import { largestOf, type Scheduled } from './schedules.ts';

/** Settings that go together or do not. */
interface Limited {
  readonly task?: string | undefined;
  readonly batchSize: number;
  readonly learningRate?: Scheduled | undefined;
  readonly optimizer?: string | undefined;
  readonly accumulate?: number | undefined;
  readonly hints?: readonly { readonly loss: string }[] | undefined;
  readonly executor: string;
  readonly xla?: boolean | string | undefined;
  readonly precision?: string | undefined;
  readonly sampling?: string | undefined;
}

/** What is wrong with them, each with the setting to change. */
export function optimisationProblems(settings: Limited): { path: string; message: string }[] {
  const { task = 'classification', batchSize, learningRate, accumulate = 1 } = settings;
  const { optimizer = 'adamw' } = settings;
  const { hints = [], executor, xla = false, precision, sampling } = settings;
  const problem = (isWrong: boolean, path: string, message: string) =>
    isWrong ? [{ path, message }] : [];
  return [
    ...problem(
      learningRate !== undefined && largestOf(learningRate) === 0,
      'learningRate',
      'must be more than 0',
    ),
    ...problem(
      learningRate === undefined && optimizer !== 'adamw',
      'learningRate',
      `${optimizer} has no default that fits every student: set it, such as ${USUAL_RATES[optimizer]}`,
    ),
    ...problem(batchSize % accumulate !== 0, 'accumulate', 'must divide batchSize'),
    ...problem(
      accumulate > 1 && hints.some(({ loss }) => loss === 'relation'),
      'accumulate',
      'hints: relation compares the rows of a batch, and a part has few of them: take loss: mse or cosine',
    ),
    ...problem(
      executor !== 'graph' && (xla !== false || precision === 'bf16'),
      'executor',
      'xla and precision: bf16 are of recorded steps: set executor: graph',
    ),
    ...problem(
      sampling === 'balanced' && task !== 'classification',
      'sampling',
      'balanced needs rows of one class: task: classification',
    ),
  ];
}

/** Of students that were trained by these; AdamW's own defaults are those of the architecture. */
const USUAL_RATES: Readonly<Record<string, string>> = {
  sgd: '0.1 (modernbert) to 1 (bag)',
  rmsprop: '0.0003 (modernbert) to 0.003 (bag)',
};
