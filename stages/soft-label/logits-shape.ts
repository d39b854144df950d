import { Failure } from '#cache/failure.ts';
import type { GraphValue, ModelSkim } from '#stages/onnx/model-skim.ts';
import type { SessionTensor } from '#stages/onnx/session.ts';
import { type HeadOutputs, UnsupportedTeacherError } from '#stages/onnx/surgery.ts';

/** Teacher and class list do not belong together. */
export class ClassCountError extends Failure {
  constructor(output: string, found: number, expected: number) {
    super(
      'model',
      'E_TEACHER_CLASSES',
      `the teacher gives ${found} numbers a row (output "${output}"), but the class list has ${expected} classes`,
      'use the config.json that belongs to the model, or a teacher that was trained on these classes',
    );
  }
}

/** Throws where the model says that its logits are of another shape; where it does not, the first batch shows. */
export function checkRank(
  { name, shape }: GraphValue,
  expected: 2 | 3,
  { outputs }: ModelSkim,
): void {
  if (shape === undefined || shape.length === expected) return;
  const axes = expected === 2 ? '[batch, classes]' : '[batch, sequence, classes]';
  throw new UnsupportedTeacherError(
    `output "${name}" has the shape [${shape.join(', ')}], and ${axes} is asked for`,
    `name another output in teacher.output (there are ${outputs.map((output) => output.name).join(', ')}), set task to what the model does, or export it for this task`,
  );
}

/** Throws where logits are no row of numbers for each row of the batch, or for each of its tokens. */
export function checkShape(
  results: Readonly<Record<string, SessionTensor>>,
  outputs: HeadOutputs,
  leading: readonly number[],
  classCount: number,
): void {
  const shape = results[outputs.logitsShape];
  const dims = shape?.type === 'int64' ? [...shape.data].map(Number) : [];
  const classes = dims.at(-1) ?? 0;
  // Hidden states may come with their leading axes already joined.
  const joined = outputs.asked === undefined ? [] : [`${leading.reduce((a, b) => a * b, 1)}`];
  if (![leading.join(), ...joined].includes(dims.slice(0, -1).join())) {
    const wanted = leading.length === 1 ? '[batch, classes]' : '[batch, sequence, classes]';
    const kind = leading.length === 1 ? 'text classifier' : 'model that answers for every token';
    throw new UnsupportedTeacherError(
      `inputs of shape [${leading.join(', ')}] gave logits of shape [${dims.join(', ')}]`,
      `use a ${kind}, whose logits have the shape ${wanted}, or set task in decant.yaml to what the model does`,
    );
  }
  checkClassCount(outputs.logits, classes, classCount);
}

/** Throws where the teacher has not as many outputs as there are classes. */
export function checkClassCount(output: string, found: number, expected: number): void {
  if (found !== expected) throw new ClassCountError(output, found, expected);
}
