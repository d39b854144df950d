import { normal, randomFor } from '#stages/numerics/random.ts';
import { drawClasses } from '#stages/numerics/sampling.ts';
import { topK } from '#stages/numerics/top-k.ts';
import type { Scalar, Tensor, Tensor1D } from './runtime.ts';
import type { SoftTargets } from './soft-loss.ts';
import type { FeedSpec, Feeds, FeedTensors } from './step-program.ts';

/** Forms that the soft labels of a cache can have. */
export const TARGET_FORMS = ['dense', 'top-k', 'sampled'] as const;
export type TargetForm = (typeof TARGET_FORMS)[number];

/** Soft labels of a few rows, as they are fed to a step. */
export interface TargetExample {
  readonly specs: readonly FeedSpec[];
  readonly feeds: Feeds;
  targets(tensors: FeedTensors): SoftTargets;
}

/** Soft labels of a random teacher at T = 2, whose logits are about 1.5 x scale. */
export function exampleTargets(
  form: TargetForm,
  { rows, classCount, scale }: { rows: number; classCount: number; scale: number },
): TargetExample {
  const random = randomFor(6, 'teacher');
  const logits = Array.from({ length: rows }, () =>
    Array.from({ length: classCount }, () => 1.5 * scale * normal(random)),
  );
  const k = Math.max(1, Math.floor(classCount / 2));
  const own = valuesOf(form, logits, k);
  const common: readonly Value[] = [
    ['temperature', [], Float32Array.of(TEMPERATURE)],
    ['weights', [rows], new Float32Array(rows).fill(1)],
  ];
  const values = [...own, ...common];
  return {
    specs: values.map(([name, shape, data]) => ({
      name,
      shape,
      dtype: data instanceof Int32Array ? 'int32' : 'float32',
    })),
    feeds: Object.fromEntries(values.map(([name, , data]) => [name, data])),
    targets: (tensors) => targetsOf(form, tensors),
  };
}

type Value = readonly [name: string, shape: readonly number[], data: Int32Array | Float32Array];

function valuesOf(form: TargetForm, logits: readonly number[][], k: number): readonly Value[] {
  const rows = logits.length;
  const classCount = logits[0]?.length ?? 0;
  if (form === 'dense')
    return [['teacherLogits', [rows, classCount], Float32Array.from(logits.flat())]];
  if (form === 'top-k') {
    const tops = logits.map((row) => topK(row, k, TEMPERATURE));
    return [
      ['topIds', [rows, k], Int32Array.from(tops.flatMap(({ ids }) => [...ids]))],
      [
        'teacherLogProbs',
        [rows, k],
        Float32Array.from(tops.flatMap(({ logProbs }) => [...logProbs])),
      ],
      ['tailLogMass', [rows], Float32Array.from(tops, ({ tailLogMass }) => tailLogMass)],
    ];
  }
  const sampleIds = new Int32Array(rows * k);
  const sampleShares = new Float32Array(rows * k);
  for (const [row, values] of logits.entries()) {
    const drawn = drawClasses(
      values,
      { temperature: TEMPERATURE, draws: k },
      randomFor(row, 'draws'),
    );
    sampleIds.set(drawn.ids, row * k);
    sampleShares.set(
      Float32Array.from(drawn.counts, (count) => count / k),
      row * k,
    );
  }
  return [
    ['sampleIds', [rows, k], sampleIds],
    ['sampleShares', [rows, k], sampleShares],
  ];
}

function targetsOf(form: TargetForm, tensors: FeedTensors): SoftTargets {
  const at = <Rank extends Tensor>(name: string) => tensors[name] as Rank;
  const common = { temperature: at<Scalar>('temperature'), weights: at<Tensor1D>('weights') };
  switch (form) {
    case 'dense':
      return { ...common, type: form, teacherLogits: at('teacherLogits') };
    case 'top-k':
      return {
        ...common,
        type: form,
        topIds: at('topIds'),
        teacherLogProbs: at('teacherLogProbs'),
        tailLogMass: at('tailLogMass'),
      };
    case 'sampled':
      return {
        ...common,
        type: form,
        sampleIds: at('sampleIds'),
        sampleShares: at('sampleShares'),
      };
    default:
      return form satisfies never;
  }
}

const TEMPERATURE = 2;
