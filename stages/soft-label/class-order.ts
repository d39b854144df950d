import { Failure } from '#cache/failure.ts';
import { classNamesIn } from '#stages/onnx/class-names.ts';
import type { LabelColumns } from './label-columns.ts';

/** The teacher has other classes than the run. */
export class OtherClassesError extends Failure {
  constructor(configPath: string, missing: string) {
    super(
      'model',
      'E_TEACHER_CLASSES',
      `${configPath}: id2label has no class "${missing}", which the first teacher has`,
      'use a teacher that was trained on the same classes; their order does not matter',
    );
  }
}

/**
 * Which output of the teacher stands for each class of the run: names decide, never the position.
 * undefined where the outputs stand in the order of the classes, or have numbers instead of names.
 */
export function outputsOfClasses(
  configPath: string | undefined,
  classNames: readonly string[],
): readonly number[] | undefined {
  const names = configPath === undefined ? undefined : classNamesIn(configPath);
  if (configPath === undefined || names === undefined) return undefined;
  const outputs = new Map(names.map((name, output) => [name, output]));
  const order = classNames.map((name) => {
    const output = outputs.get(name);
    if (output === undefined) throw new OtherClassesError(configPath, name);
    return output;
  });
  return order.every((output, classId) => output === classId) ? undefined : order;
}

/** An answer by output, as an answer by class. */
export function inClassOrder(columns: LabelColumns, outputs: readonly number[]): LabelColumns {
  const classOf = new Int32Array(outputs.length);
  for (const [classId, output] of outputs.entries()) classOf[output] = classId;
  const { topIds, logits } = columns;
  const width = outputs.length;
  const drawn = columns.drawn?.map(
    (row) => row && { ...row, ids: row.ids.map((output) => classOf[output] ?? -1) },
  );
  return {
    ...columns,
    ...(drawn && { drawn }),
    topIds: topIds.map((output) => classOf[output] ?? -1),
    logits: logits.map((_, at) => {
      const classId = at % width;
      return logits[at - classId + (outputs[classId] ?? -1)] ?? Number.NaN;
    }),
  };
}
