import { z } from 'zod';
import {
  type Architecture,
  matrix,
  type NamedTensors,
  type ParameterSpec,
  parameterOf,
  type StudentShape,
  type TaskHead,
  vector,
} from './student.ts';

/** Classifiers of the further tasks, each as the student's own one but for its classes. */
export function headParameters(
  own: readonly ParameterSpec[],
  heads: readonly TaskHead[] = [],
): ParameterSpec[] {
  return heads.flatMap(({ name, classCount }) => {
    const classifier = own.find((spec) => spec.name === OWN.weight);
    const width = classifier?.shape[1];
    if (classifier === undefined || width === undefined) {
      throw new Error('an architecture without a classifier takes no further heads');
    }
    const { weight, bias } = namesOf(name);
    return [
      matrix(weight, [classCount, width], classifier.init),
      vector(bias, classCount, 'zeros'),
    ];
  });
}

/** The student's parameters with those of its further heads behind them: the weights that are kept. */
export function allParameters({
  architecture,
  shape,
}: {
  readonly architecture: Architecture;
  readonly shape: StudentShape;
}): readonly ParameterSpec[] {
  const own = architecture.parameters(shape);
  return [...own, ...headParameters(own, shape.taskHeads)];
}

/** The parameters with the classifier of a head in place of the student's own. */
export function withHead(named: NamedTensors, head: string): NamedTensors {
  const { weight, bias } = namesOf(head);
  return {
    ...named,
    [OWN.weight]: parameterOf(named, weight),
    [OWN.bias]: parameterOf(named, bias),
  };
}

/** Names of the heads whose weights are among these. */
export function headsAmong(names: Iterable<string>): string[] {
  return [...names].flatMap((name) => HEAD_WEIGHT.exec(name)?.[1] ?? []);
}

/** Names of a head's weights. */
export function namesOf(head: string): { readonly weight: string; readonly bias: string } {
  return { weight: `heads.${head}.weight`, bias: `heads.${head}.bias` };
}

/** Output of the student's graph with the logits of a head. */
export function headOutput(head: string): string {
  return `logits_${head}`;
}

/** Folder of what belongs to a head, beside the same of the student's own classifier. */
export function headFolder(head: string): string {
  return `heads/${head}`;
}

/** What config.json says of the further heads of a student, by name. */
export const taskHeadsSchema = z.record(
  z.string(),
  z.strictObject({
    /** As config.json names the classes of the first head. */
    id2label: z.record(z.string(), z.string()),
    output: z.string(),
    /** As config.json names the task of the first head; left out of one class a text. */
    problem_type: z.string().optional(),
  }),
);

export type TaskHeads = z.infer<typeof taskHeadsSchema>;

/** Weights of the further heads: transformers would warn of names that its model lacks. */
export const HEADS_FILE = 'heads.safetensors';

/** What the classifier of every architecture is called. */
export const OWN = { weight: 'classifier.weight', bias: 'classifier.bias' } as const;

const HEAD_WEIGHT = /^heads\.(.+)\.weight$/;
