import { Failure } from '#cache/failure.ts';
import type { LazyTensor, Origin } from '#stages/students/origin.ts';
import { layoutOf } from '#stages/students/parameters.ts';
import type { ParameterSpec, StudentShape } from '#stages/students/student.ts';
import type { InitialiseSource } from '#stages/train-student/settings/initialisation.ts';

/** A student and the model that it takes weights from. */
export interface Borrowing {
  readonly specs: readonly ParameterSpec[];
  readonly shape: StudentShape;
  readonly classNames: readonly string[];
  readonly origin: Origin;
  /** Row of the origin's table for each piece of the student. */
  readonly rows: Int32Array;
  readonly layers: InitialiseSource['layers'];
  /** Where the weights lie, for people. */
  readonly file: string;
}

/** What was taken over. */
export interface Borrowed {
  /** Parameters of the head that keep their random start. */
  readonly fresh: readonly string[];
  /** Layer of the origin for each layer of the student; none where there is no encoder. */
  readonly layers: readonly number[];
}

/**
 * Writes the origin's weights over a random start. What has another shape or is missing is an error that
 * lists both sides; the head alone may stay as it is, where the origin has none or other classes.
 */
export function borrowWeights(weights: Float32Array, borrowing: Borrowing): Borrowed {
  const { specs, shape, origin, file } = borrowing;
  const problems = shapeProblems(borrowing);
  const layers = borrowing.layers ?? Array.from({ length: shape.layers }, (_, index) => index);
  const fresh: string[] = [];
  for (const [index, place] of layoutOf(specs).places.entries()) {
    const spec = specs[index];
    if (spec === undefined) continue;
    const theirs = nameInOrigin(spec.name, layers);
    const tensor = origin.tensors.get(theirs);
    const wanted = wantedRows(borrowing, spec, tensor);
    const problem = problemOf(spec, tensor, wanted);
    if (isHead(spec.name) && (problem !== undefined || fresh.length > 0)) {
      // A classifier is worth nothing behind another dense layer than its own.
      fresh.push(spec.name);
    } else if (problem === undefined) {
      const { values } = tensor?.read() ?? { values: new Float32Array() };
      writeRows(weights.subarray(place.offset, place.offset + place.length), values, wanted);
    } else {
      problems.push(theirs === spec.name ? problem : `${problem} (${theirs} there)`);
    }
  }
  if (problems.length > 0) throw new OriginShapeError(file, problems, borrowing);
  return { fresh, layers: WIDTHS[origin.architecture] === undefined ? [] : layers };
}

/** The origin's parts do not have the student's shapes. */
export class OriginShapeError extends Failure {
  constructor(file: string, problems: readonly string[], { shape, origin }: Borrowing) {
    const shown = problems.slice(0, MOST_PROBLEMS).map((problem) => `\n  ${problem}`);
    const more = problems.length - shown.length;
    super(
      'model',
      'E_INITIALISE_SHAPE',
      `${file}: its weights do not fit this student:${shown.join('')}${more > 0 ? `\n  and ${more} more` : ''}`,
      `set student: { ${settingsOfOrigin(origin)} }, with initialise.layers for fewer layers, or initialise.take: embeddings for ${shape.architecture === origin.architecture ? 'another width' : `a ${shape.architecture}`}`,
    );
  }
}

/** What the settings of a student with all of the origin's layers would be. */
function settingsOfOrigin({ architecture, layers, heads, tensors }: Origin): string {
  const widths = WIDTHS[architecture];
  if (widths === undefined) return `architecture: ${architecture}`;
  const { words, wide, axis } = widths;
  const settings = {
    architecture,
    layers,
    hiddenSize: tensors.get(words)?.shape[1],
    heads,
    intermediateSize: tensors.get(wide)?.shape[axis],
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ');
}

/** What no tensor shows: kinds, heads and the number of layers. */
function shapeProblems({ shape, origin, layers }: Borrowing): string[] {
  const problems: string[] = [];
  if (shape.architecture !== origin.architecture) {
    problems.push(`it is a ${origin.architecture}, the student a ${shape.architecture}`);
    return problems;
  }
  if (WIDTHS[origin.architecture] === undefined) {
    return layers === undefined ? [] : [`a ${shape.architecture} has no encoder layers to choose`];
  }
  if (shape.heads !== origin.heads) {
    problems.push(`${origin.heads} attention heads, the student has ${shape.heads}`);
  }
  const count = layers?.length ?? origin.layers;
  if (count !== shape.layers) {
    const named = layers === undefined ? '' : ` named by initialise.layers, of ${origin.layers}`;
    problems.push(`${count} layers${named}, the student has ${shape.layers}`);
  }
  const beyond = layers?.find((layer) => layer >= origin.layers);
  if (beyond !== undefined) {
    problems.push(`no layer ${beyond}: they are 0 to ${origin.layers - 1}`);
  }
  return problems;
}

function nameInOrigin(name: string, layers: readonly number[]): string {
  return name.replace(/^(.*?\.(?:layers?|h)\.)(\d+)(\..*)$/, (_, before, index, after) => {
    return `${before}${layers[Number(index)] ?? index}${after}`;
  });
}

/** Which rows of the origin's tensor become those of the parameter; undefined: all, in their order. */
function wantedRows(
  { shape, rows, classNames, origin }: Borrowing,
  { name, shape: [count = 0] }: ParameterSpec,
  tensor: LazyTensor | undefined,
): Int32Array | undefined {
  if (name === WORD_TABLES[shape.architecture] || DECODER_BIAS.test(name)) return rows;
  if (/(position_embeddings|wpe)\.weight$/.test(name) && (tensor?.shape[0] ?? 0) > count) {
    return Int32Array.from({ length: count }, (_, row) => row);
  }
  if (!name.startsWith('classifier.')) return undefined;
  const theirs = origin.classNames ?? [];
  return Int32Array.from(classNames, (className) => theirs.indexOf(className));
}

function problemOf(
  { name, shape }: ParameterSpec,
  tensor: LazyTensor | undefined,
  rows: Int32Array | undefined,
): string | undefined {
  const wanted = `this student needs [${shape.join(', ')}]`;
  if (tensor === undefined) return `${name} is missing, ${wanted}`;
  const [count = 0, ...rest] = tensor.shape;
  const isFitting =
    rows === undefined
      ? tensor.shape.join() === shape.join()
      : rest.join() === shape.slice(1).join() && rows.every((row) => row >= 0 && row < count);
  return isFitting ? undefined : `${name} is [${tensor.shape.join(', ')}], ${wanted}`;
}

function writeRows(target: Float32Array, values: Float32Array, rows: Int32Array | undefined): void {
  if (rows === undefined) {
    target.set(values);
    return;
  }
  const width = target.length / rows.length;
  for (const [row, theirs] of rows.entries()) {
    target.set(values.subarray(theirs * width, (theirs + 1) * width), row * width);
  }
}

/** What stands between the encoder and the answers. */
function isHead(name: string): boolean {
  return /^(classifier|bert\.pooler|head|cls|decoder)\./.test(name);
}

/** How each kind of student calls the table of its word pieces. */
export const WORD_TABLES: Readonly<Record<StudentShape['architecture'], string | undefined>> = {
  bert: 'bert.embeddings.word_embeddings.weight',
  modernbert: 'model.embeddings.tok_embeddings.weight',
  bag: 'embeddings.weight',
  textcnn: 'embeddings.weight',
  gpt2: 'transformer.wte.weight',
  cnn: undefined,
  mlp: undefined,
};

/** Where an encoder's or decoder's widths show: columns of its words, and an axis of what leads out of the feed-forward part. */
const WIDTHS: Readonly<
  Partial<
    Record<
      Origin['architecture'],
      { readonly words: string; readonly wide: string; readonly axis: 0 | 1 }
    >
  >
> = {
  bert: {
    words: 'bert.embeddings.word_embeddings.weight',
    wide: 'bert.encoder.layer.0.output.dense.weight',
    axis: 1,
  },
  modernbert: {
    words: 'model.embeddings.tok_embeddings.weight',
    wide: 'model.layers.0.mlp.Wo.weight',
    axis: 1,
  },
  gpt2: { words: 'transformer.wte.weight', wide: 'transformer.h.0.mlp.c_proj.weight', axis: 0 },
};

/** Of a language model, whose classes are the pieces. */
const DECODER_BIAS = /^(cls\.predictions|decoder)\.bias$/;

const MOST_PROBLEMS = 8;
