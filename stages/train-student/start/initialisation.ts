import { digestFile } from '#cache/digest.ts';
import { Failure } from '#cache/failure.ts';
import type { InitialisationRecord } from '#datasets/initialisation.ts';
import { narrowedTable } from '#stages/numerics/truncated-svd.ts';
import { type Origin, OriginError, readOrigin } from '#stages/students/origin.ts';
import { layoutOf } from '#stages/students/parameters.ts';
import type { ParameterSpec, StudentShape } from '#stages/students/student.ts';
import type { InitialiseSource } from '#stages/train-student/settings/initialisation.ts';
import { borrowWeights, WORD_TABLES } from './borrowed-weights.ts';
import { vocabularyRows } from './vocabulary-rows.ts';

/** Files of the model that weights are taken from. */
export interface InitialiseFiles {
  readonly config: string;
  readonly weights: readonly string[];
  /** Undefined of a model that reads no text. */
  readonly tokenizer: string | undefined;
}

/** The student that is to start from another model. */
export interface Beginner {
  readonly specs: readonly ParameterSpec[];
  readonly shape: StudentShape;
  readonly classNames: readonly string[];
  /** Its tokenizer.json; undefined where it reads no text. */
  readonly tokenizer: string | undefined;
}

/** Writes weights of another model over a random start, and says which. */
export async function startFromModel(
  weights: Float32Array,
  student: Beginner,
  settings: InitialiseSource,
  files: InitialiseFiles,
): Promise<InitialisationRecord> {
  const origin = withClasses(await readOrigin(files), student, settings);
  const rows = await rowsOf(student, files);
  const [file = ''] = files.weights;
  const { take = 'all', layers } = settings;
  const taken =
    take === 'all'
      ? borrowedRecord(weights, { ...student, origin, rows, layers, file })
      : embeddingsRecord(weights, { ...student, origin, rows, file });
  return {
    version: 1,
    from: settings.from === 'teacher' ? 'teacher' : 'checkpoint',
    ...(origin.name === undefined ? {} : { name: origin.name }),
    digests: await Promise.all(files.weights.map(digestFile)),
    take,
    ...taken,
  };
}

/** Row of the model's table for each piece of the student; none where both read no text. */
async function rowsOf({ tokenizer, shape }: Beginner, files: InitialiseFiles): Promise<Int32Array> {
  if (tokenizer !== undefined && files.tokenizer !== undefined) {
    return vocabularyRows(tokenizer, files.tokenizer);
  }
  if (tokenizer === files.tokenizer) return new Int32Array();
  throw new NothingToInitialiseError(shape.architecture, tokenizer !== undefined);
}

/** One of the two reads texts and the other one does not. */
class NothingToInitialiseError extends Failure {
  constructor(architecture: string, readsText: boolean) {
    const [ours, theirs] = readsText ? ['texts', 'no text'] : ['no text', 'texts'];
    super(
      'usage',
      'E_INITIALISE_TENSORS',
      `initialise: a ${architecture} that reads ${ours} has nothing in common with a model that reads ${theirs}`,
      'leave student.initialise out',
    );
  }
}

/** Why a student does not start with the answers of its model, in a sentence; null where nothing speaks against it. */
export function doubtAboutStart({ differences }: InitialisationRecord): string | null {
  if (differences === undefined) return null;
  return `the model that it starts from computes otherwise than this student: ${differences.join(', ')}; training has to make up for it`;
}

/** What was taken, in a sentence for people. */
export function sayStart({ from, take, layers, widths, random }: InitialisationRecord): string {
  const whose = from === 'teacher' ? 'the teacher' : 'the checkpoint';
  const [before = 0, after = 0] = widths ?? [];
  const narrowed = before === after ? '' : `, narrowed from ${before} to ${after} by SVD`;
  const all = layers === undefined ? 'the weights' : `layers ${layers.join(', ')}`;
  const what = take === 'all' ? all : 'the embeddings';
  const fresh =
    random === undefined || random.length === 0 ? '' : `; at random: ${random.join(', ')}`;
  return `starts from ${what} of ${whose}${narrowed}${fresh}`;
}

/** The table has too few rows or columns for the student. */
class EmbeddingsShapeError extends Failure {
  constructor(file: string, found: readonly number[], wanted: readonly number[]) {
    super(
      'model',
      'E_INITIALISE_SHAPE',
      `${file}: its table of word pieces is [${found.join(', ')}], this student needs [${wanted.join(', ')}]`,
      'set student.hiddenSize to at most the width of that table, and give both the same tokenizer',
    );
  }
}

/** A teacher without names for its classes gives them in the order of the run. */
function withClasses(origin: Origin, { classNames }: Beginner, { from }: InitialiseSource): Origin {
  if (origin.classNames !== undefined || from !== 'teacher') return origin;
  return { ...origin, classNames };
}

type Taken = Pick<InitialisationRecord, 'layers' | 'widths' | 'random' | 'differences'>;

function borrowedRecord(
  weights: Float32Array,
  borrowing: Parameters<typeof borrowWeights>[1],
): Taken {
  const { fresh, layers } = borrowWeights(weights, borrowing);
  const { differences } = borrowing.origin;
  return {
    ...(layers.length > 0 && { layers: [...layers] }),
    random: [...fresh],
    ...(differences.length > 0 && { differences: [...differences] }),
  };
}

/** The vectors of the student's pieces; narrower ones keep the directions in which these differ most. */
function embeddingsRecord(
  weights: Float32Array,
  {
    specs,
    shape,
    origin,
    rows,
    file,
  }: Beginner & { readonly origin: Origin; readonly rows: Int32Array; readonly file: string },
): Taken {
  const table = origin.tensors.get(WORD_TABLES[origin.architecture] ?? '');
  const name = WORD_TABLES[shape.architecture];
  const place = layoutOf(specs).places.find((one) => one.name === name);
  if (table === undefined) throw new OriginError(file, 'it has no table of word pieces');
  if (place === undefined) throw new OriginError(file, `a ${shape.architecture} reads no texts`);
  const [count = 0, before = 0] = table.shape;
  const after = shape.hiddenSize;
  const { values } = table.read();
  const own = new Float32Array(rows.length * before);
  for (const [row, theirs] of rows.entries()) {
    own.set(values.subarray(theirs * before, (theirs + 1) * before), row * before);
  }
  if (after > before || rows.some((row) => row >= count)) {
    throw new EmbeddingsShapeError(file, table.shape, [rows.length, after]);
  }
  weights.set(after === before ? own : narrowedTable(own, before, after), place.offset);
  return { widths: [before, after] };
}
