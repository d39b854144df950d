import { Failure } from '#cache/failure.ts';
import type { TensorShape } from '#datasets/features.ts';
import type { Census } from '#stages/onnx/census.ts';
import { readGraphNodes } from '#stages/onnx/graph-nodes.ts';
import { skimModelFile } from '#stages/onnx/model-skim.ts';
import { float32Of, type OnnxSession, type SessionOptions } from '#stages/onnx/session.ts';
import { type HeadOutputs, softLabelHead } from '#stages/onnx/surgery.ts';
import type { Padding } from '#stages/onnx/text-inputs.ts';
import { openThreadedSession } from '#stages/onnx/threaded-session.ts';
import type { BatchShape } from './batches.ts';
import { inClassOrder } from './class-order.ts';
import { areProbabilities, openHearing } from './first-answer.ts';
import { askedFeed, askedRows, drawsFeed, drawsOf } from './head-feeds.ts';
import { columnsOf, fetchesOf } from './head-results.ts';
import type { LabelColumns } from './label-columns.ts';
import { checkClassCount, checkRank, checkShape } from './logits-shape.ts';
import type { Keep } from './settings.ts';
import {
  feedsOf,
  matchTeacherInputs,
  paddedLengths,
  TargetsMismatchError,
} from './teacher-inputs.ts';
import { rowLength, type TeacherRow } from './teacher-rows.ts';

/** Who answers: a model with a head that keeps the answer small, or a file. */
export interface Teacher {
  readonly provider: string;
  readonly runtimeVersion: string;
  /** Why `device: auto` did not take CUDA. */
  readonly withoutCuda: string | undefined;
  readonly shape: BatchShape;
  /** The numbers of a row depend on the other rows of its batch: the model quantises all of it at once. */
  readonly rowsDependOnBatch: boolean;
  /**
   * The answers of each row in the order of the rows: one, or one a word or token. There may be more
   * than were asked for: a batch of fixed size is filled up, and a lone row is fed twice, because ONNX
   * Runtime sums in another order where the batch has one row, and a row's numbers must not depend on
   * its company.
   */
  label(rows: readonly TeacherRow[], length: number): Promise<TeacherAnswer>;
  /** For how long its device has computed, and how many batches; undefined where nobody computes. */
  readonly busy?: OnnxSession['busy'];
  close(): Promise<void>;
}

/** A teacher that is a graph. */
export interface ModelTeacher extends Teacher {
  /**
   * Runs rows, keeps nothing of the answer, and says where the graph ran and what it needed. Once, and
   * only of a teacher that was opened for a census.
   */
  probe(rows: readonly TeacherRow[], length: number): Promise<Census>;
}

/** Can it be said where it runs? */
export function isModel(teacher: Teacher | undefined): teacher is ModelTeacher {
  return teacher !== undefined && 'probe' in teacher;
}

export interface TeacherAnswer {
  readonly columns: LabelColumns;
  /** Told of the first batch only: the model seems to end with a softmax, or a sigmoid. */
  readonly looksLikeProbabilities: boolean;
}

export interface TeacherOptions
  extends Omit<SessionOptions, 'appendix' | 'edits' | 'externalDataFolder'>,
    Padding {
  readonly keep: Keep;
  /** Output with the logits; `logits` or else the first when left out. */
  readonly output?: string | undefined;
  /** Rows have an answer for each word or token: the logits are [batch, sequence, classes]. */
  readonly perToken?: boolean | undefined;
  /** Tensors of the corpus, by model input. */
  readonly shapes?: Readonly<Record<string, TensorShape>> | undefined;
  /** perToken only: gather the asked tokens before the logits are made, where that is safe. Default: true. */
  readonly gatherEarly?: boolean | undefined;
  /** Where they stand in another order than the classes: the output of each class. */
  readonly outputsOfClasses?: readonly number[] | undefined;
}

/** A row does not fit into a model that was exported for one length. */
export class FixedLengthError extends Failure {
  constructor(row: TeacherRow, fixedLength: number) {
    super(
      'model',
      'E_TEACHER_LENGTH',
      `example ${row.exampleId} has ${rowLength(row)} tokens, and the teacher was exported for ${fixedLength}`,
      `set teacher.maxLength to ${fixedLength}, or export the teacher with a dynamic sequence axis`,
    );
  }
}

/** Loads the teacher in a thread of its own, checks inputs and class count, and adds the head. */
export async function openTeacher(model: string, options: TeacherOptions): Promise<ModelTeacher> {
  const { keep, output, perToken = false, gatherEarly = true } = options;
  const skim = skimModelFile(model);
  const nodes = perToken && gatherEarly ? readGraphNodes(model) : undefined;
  const head = softLabelHead(skim, { ...keep, ...drawsOf(keep), perToken, logits: output, nodes });
  checkRank(head.logits, perToken ? 3 : 2, skim);
  const declared = head.logits.shape?.at(-1);
  if (typeof declared === 'number' && declared > 0) {
    checkClassCount(head.logits.name, declared, keep.classCount);
  }
  const session = await openThreadedSession(model, {
    ...options,
    appendix: head.bytes,
    edits: head.edits,
  });
  try {
    const rowsDependOnBatch = [...skim.operators].some((name) =>
      name.startsWith('DynamicQuantize'),
    );
    return teacherOf(session, head.outputs, { ...options, rowsDependOnBatch });
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** The teacher behind a session whose model carries the head. */
export function teacherOf(
  session: OnnxSession,
  outputs: HeadOutputs,
  options: Pick<TeacherOptions, 'keep' | keyof Padding | 'outputsOfClasses' | 'shapes'> & {
    readonly rowsDependOnBatch?: boolean;
  },
): ModelTeacher {
  const { keep, outputsOfClasses, shapes, rowsDependOnBatch = false } = options;
  const { provider } = session;
  const ofHead = [outputs.asked, outputs.draws?.points];
  const ownInputs = session.inputs.filter(({ name }) => !ofHead.includes(name));
  const inputs = matchTeacherInputs({ inputs: ownInputs, provider }, shapes);
  const hearing = openHearing(keep);
  let isFirst = true;
  let isProbing = false;
  const runOn = async (rows: readonly TeacherRow[], length: number, fetches: readonly string[]) => {
    requireSameSides(rows, inputs.hasDecoder);
    const lengths = paddedLengths(rows, { length }, inputs);
    const asked = outputs.asked === undefined ? undefined : askedRows(rows, lengths.targetLength);
    const fed = filledUp(rows, inputs.shape, length);
    const results = await session.run(
      {
        ...feedsOf(inputs, fed, lengths, options),
        ...askedFeed(outputs, asked),
        ...drawsFeed(outputs, rows, asked?.length ?? fed.length),
      },
      fetches,
    );
    const leading = asked === undefined ? [fed.length] : [fed.length, lengths.targetLength];
    checkShape(results, outputs, leading, keep.classCount);
    return results;
  };
  return {
    provider,
    runtimeVersion: session.runtimeVersion,
    busy: session.busy,
    withoutCuda: session.withoutCuda,
    shape: inputs.shape,
    rowsDependOnBatch,
    async label(rows, length) {
      const tellsProbabilities = isFirst;
      isFirst = false;
      // One batch at a time: the logits of all that are on their way might not fit into memory.
      const probe = hearing.isOpen && !isProbing;
      isProbing ||= probe;
      const fetches = fetchesOf(outputs, { probe, task: keep.task });
      const results = await runOn(rows, length, fetches);
      if (probe) {
        hearing.hear(float32Of(results, outputs.logits), rows.length);
        isProbing = false;
      }
      const columns = columnsOf(results, outputs, keep);
      return {
        columns: outputsOfClasses ? inClassOrder(columns, outputsOfClasses) : columns,
        looksLikeProbabilities:
          tellsProbabilities && areProbabilities(float32Of(results, outputs.logits), keep),
      };
    },
    async probe(rows, length) {
      await runOn(rows, length, fetchesOf(outputs, { probe: false, task: keep.task }));
      return session.census();
    },
    close: () => session.close(),
  };
}

function requireSameSides(rows: readonly TeacherRow[], hasDecoder: boolean): void {
  const isOther = (row: TeacherRow) => (row.targetIds !== undefined) !== hasDecoder;
  if (rows.some(isOther)) throw new TargetsMismatchError(hasDecoder);
}

/** The rows with enough repeats of the first for the model's own number of rows, or for two. */
function filledUp(
  rows: readonly TeacherRow[],
  { fixedRows, fixedLength }: BatchShape,
  length: number,
): readonly TeacherRow[] {
  const tooLong = rows.find((row) => rowLength(row) > length);
  if (tooLong !== undefined && fixedLength !== undefined) {
    throw new FixedLengthError(tooLong, fixedLength);
  }
  const missing = (fixedRows ?? Math.max(2, rows.length)) - rows.length;
  return [...rows, ...Array.from({ length: missing }, () => rows.slice(0, 1)).flat()];
}
