import { Failure } from '#cache/failure.ts';
import type { FeatureRow } from '#datasets/features.ts';
import type { ProbeInput } from '#datasets/probe.ts';
import { tokenAnswers } from '#stages/onnx/answers.ts';
import type { Classifier } from '#stages/onnx/classifier.ts';

/** The ONNX graph computes something else than the student that was trained. */
export class ProbeMismatchError extends Failure {
  constructor(difference: number, exampleId: string) {
    super(
      'model',
      'E_EXPORT_PROBE',
      `onnx/model.onnx gives logits that differ by ${difference} from those of training (example ${exampleId}; allowed ${TOLERANCE})`,
      'train the student again: decant run --force train-student; if it stays, report it with the model',
    );
  }
}

/** Largest distance between the exported graph's logits and the trainer's; throws where it is too large. */
export async function checkProbe(
  classifier: Classifier,
  inputs: readonly ProbeInput[],
  classCount: number,
): Promise<number> {
  let maxDifference = 0;
  for (const { exampleId, tokenIds, features, answerAt, classIds, logits } of inputs) {
    const row = {
      tokenIds: Int32Array.from(tokenIds),
      typeIds: null,
      ...(features && { features: tensorsOf(features) }),
    };
    const found =
      answerAt === undefined
        ? [await classifier.logits([row])]
        : await tokenAnswers(classifier, [row], [answerAt], classCount);
    const all = found[0] ?? new Float32Array();
    const probed = classIds === undefined ? all : ofClasses(all, classIds, classCount);
    const difference = largestDifference(probed, logits);
    if (!(difference <= TOLERANCE)) throw new ProbeMismatchError(difference, exampleId);
    maxDifference = Math.max(maxDifference, difference);
  }
  return maxDifference;
}

/** The logits of these classes, answer by answer. */
function ofClasses(
  logits: Float32Array,
  classIds: readonly number[],
  classCount: number,
): Float32Array {
  const answers = logits.length / classCount;
  return Float32Array.from({ length: answers * classIds.length }, (_, place) => {
    const answer = Math.floor(place / classIds.length);
    return logits[answer * classCount + (classIds[place % classIds.length] ?? -1)] ?? Number.NaN;
  });
}

function tensorsOf(features: Readonly<Record<string, readonly number[]>>): FeatureRow {
  return Object.fromEntries(
    Object.entries(features).map(([input, values]) => [input, Float32Array.from(values)]),
  );
}

/** NaN where the lengths differ or a value is NaN: it fails every comparison. */
function largestDifference(found: Float32Array, expected: readonly number[]): number {
  if (found.length !== expected.length) return Number.NaN;
  return found.reduce(
    (most, logit, index) => Math.max(most, Math.abs(logit - (expected[index] ?? Number.NaN))),
    0,
  );
}

const TOLERANCE = 1e-4;
