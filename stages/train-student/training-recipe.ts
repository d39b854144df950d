import { digestOf, digestOfParts } from '#cache/digest.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import type { StoredFeatures } from '#datasets/features.ts';
import { type IntList, partsOf } from '#datasets/int-list.ts';
import type { Runtime } from '#stages/tensorflow/runtime.ts';
import type { HeadInputs } from './heads/head-inputs.ts';
import type { TrainStudentConfig } from './settings.ts';
import type { StudentSetup } from './student-setup.ts';
import type { TrainingInputs } from './training-inputs.ts';

/** Settings that do not decide what a student becomes. */
export const speedKnobs: readonly (keyof TrainStudentConfig)[] = [
  'deviceId',
  'checkpointEvery',
  'checkpointMinutes',
  'keepCheckpoints',
  'memoryLimitMb',
];

/** What computes the steps. */
export interface RanOn extends Pick<Runtime, 'version' | 'device'> {
  /** With XLA. */
  readonly isCompiled: boolean;
}

/** Everything that decides the weights: a checkpoint is only taken up by the training it belongs to. */
export function recipeOf(
  config: TrainStudentConfig,
  { train, validation, features, views }: TrainingInputs,
  { program, buckets, shape, losses }: StudentSetup,
  { version, device, isCompiled }: RanOn,
  heads: readonly HeadInputs[] = [],
): string {
  const decisive = Object.entries(config).filter(([name]) => !isSpeedKnob(name));
  return fingerprintOf({
    config: Object.fromEntries(decisive),
    buckets,
    shape,
    version,
    device,
    // Of `xla: if-possible`, which way it went: the two end with other bits.
    ...(isCompiled && { isCompiled }),
    ...(losses.moduleDigest !== undefined && { softLoss: losses.moduleDigest }),
    ...(features && { features: digestOfParts(featureBytes(features.train)) }),
    ...rowsOf({ train, validation, views }),
    ...(heads.length > 0 && { heads: heads.map(({ inputs }) => rowsOf(inputs)) }),
    initialWeights: digestOf(new Uint8Array(program.initialWeights.buffer)),
  });
}

function rowsOf({
  train,
  validation,
  views,
}: Pick<TrainingInputs, 'train' | 'validation' | 'views'>) {
  const tables = [train, validation.tokens, ...(views ? [views.tokens] : [])];
  return {
    examples: digestOf(tables.flatMap(({ exampleIds }) => exampleIds).join()),
    tokens: digestOfParts(tokenBytes(train.tokenIds)),
  };
}

function* tokenBytes(tokenIds: IntList): Generator<Uint8Array> {
  for (const { buffer, byteOffset, byteLength } of partsOf(tokenIds)) {
    yield new Uint8Array(buffer, byteOffset, byteLength);
  }
}

function* featureBytes({ columns }: StoredFeatures): Generator<Uint8Array> {
  for (const { values } of Object.values(columns)) {
    for (const { buffer, byteOffset, byteLength } of partsOf(values)) {
      yield new Uint8Array(buffer, byteOffset, byteLength);
    }
  }
}

function isSpeedKnob(name: string): boolean {
  return speedKnobs.some((knob) => knob === name);
}
