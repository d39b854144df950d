import { Failure } from '#cache/failure.ts';
import type { Tensor, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import type { BatchHalf } from './halves.ts';

export type ArchitectureName = 'modernbert' | 'bert' | 'gpt2' | 'bag' | 'textcnn' | 'mlp' | 'cnn';

/** Everything that decides the parameters of a student. A bag has no layers and no heads. */
export interface StudentShape {
  readonly architecture: ArchitectureName;
  readonly vocabularySize: number;
  readonly classCount: number;
  readonly maxLength: number;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly dropout: number;
  readonly padTokenId: number;
  /** What a text begins and ends with; NO_TOKEN where nothing does. */
  readonly clsTokenId: number;
  readonly sepTokenId: number;
  /** Tensors that it reads of each row, by name; left out where it reads texts alone. */
  readonly features?: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Of textcnn: how many tokens its filters see, and how many filters there are of each width. */
  readonly kernelWidths?: readonly number[];
  readonly filters?: number;
  /** Of cnn: side of the filters, parts a side of the last means, and which axis of an image is that of its channels. */
  readonly kernelSize?: number;
  readonly poolGrid?: number;
  readonly channels?: 'first' | 'last';
  /** Classes for each token and not for the text: Hugging Face's ...ForTokenClassification. */
  readonly perToken?: boolean;
  /** The classes are the vocabulary, the decoder its embeddings: Hugging Face's ...ForMaskedLM or ...LMHeadModel. */
  readonly languageModel?: 'masked' | 'causal';
  /** Further tasks of the same encoder, in the order of their weights behind those of the student. */
  readonly taskHeads?: readonly TaskHead[];
}

/** A further classifier on what the student's own one reads: another task of the same encoder. */
export interface TaskHead {
  readonly name: string;
  readonly classCount: number;
}

/** In place of a special token that the tokenizer does not have. */
export const NO_TOKEN = -1;

/** How a parameter starts. `cutoff` truncates the normal distribution at that many standard deviations. */
export type Initialisation =
  | { readonly kind: 'normal'; readonly std: number; readonly cutoff?: number }
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' }
  | { readonly kind: 'identity' };

/** One tensor of a student. */
export interface ParameterSpec {
  /** As in Hugging Face's model.safetensors. */
  readonly name: string;
  /** Matrices as Hugging Face lays them out: [out, in]. */
  readonly shape: readonly number[];
  /** Whether weight decay pulls on it: on matrices (embedding tables too), not on biases and gains. */
  readonly decay: boolean;
  readonly init: Initialisation;
}

/** One padded batch. */
export interface ForwardInputs {
  /** int32 [batchSize * sequenceLength], row by row; padding is on the right. */
  readonly inputIds: Tensor;
  /** int32 [batchSize]: real tokens of each row. */
  readonly lengths: Tensor;
  readonly batchSize: number;
  readonly sequenceLength: number;
  /** float32 [batchSize, numbers of the tensor] each, by the name of the input. */
  readonly features?: NamedTensors;
  /** int32 [answers]: tokens whose logits are wanted, among [batchSize * sequenceLength]; absent: all of them. */
  readonly answerAt?: Tensor;
  /** int32 [2]: decides the dropout masks. Absent: no dropout. */
  readonly dropoutSeed?: Tensor;
  /** Of which half of a batch these are the rows; absent: of a whole one. */
  readonly half?: BatchHalf;
  /** Is given what the last layer reads, one row a row of logits, before dropout. */
  readonly onFeatures?: (features: Tensor2D) => void;
}

/** Tensors of a student by their Hugging Face names. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

/** A kind of student: its parameters, its forward pass, and how others load it. */
export interface Architecture {
  readonly name: ArchitectureName;
  parameters(shape: StudentShape): readonly ParameterSpec[];
  /** Logits [batchSize, classCount], or [batchSize * sequenceLength, classCount] of each token, [answers, classCount] where tokens are named; pure tfjs operations, so that it can be recorded into a graph. */
  forward(
    tf: Tensorflow,
    parameters: NamedTensors,
    inputs: ForwardInputs,
    shape: StudentShape,
  ): Tensor2D;
  /** Contents of config.json. */
  config(shape: StudentShape, classNames: readonly string[]): Record<string, unknown>;
  /** ONNX file, opset 17: input_ids and attention_mask int64 [batch, sequence], or tensors -> logits [batch, classes], or [batch, sequence, classes] of each token. */
  onnx(shape: StudentShape, weights: ReadonlyMap<string, Float32Array>): Uint8Array;
}

/** Does a student of this shape answer for each token, and not once for the text? */
export function answersTokens({ perToken, languageModel }: StudentShape): boolean {
  return perToken === true || languageModel !== undefined;
}

/** A shape that no student of the architecture can have. */
export class StudentShapeError extends Failure {
  constructor(architecture: ArchitectureName, problem: string, fix: string) {
    super('usage', 'E_STUDENT_SHAPE', `${architecture}: ${problem}`, fix);
  }
}

/** A matrix: decays, starts normal unless told otherwise. */
export function matrix(
  name: string,
  shape: readonly [number, number],
  init: Initialisation,
): ParameterSpec {
  return { name, shape, decay: true, init };
}

/** A bias or gain: does not decay, starts at zero or one. */
export function vector(name: string, size: number, kind: 'zeros' | 'ones'): ParameterSpec {
  return { name, shape: [size], decay: false, init: { kind } };
}

/** He et al. 2015: as much variance behind a ReLU as before it. */
export function variancePreserving(inputs: number): Initialisation {
  return { kind: 'normal', std: Math.sqrt(2 / inputs) };
}

/** The parameter of that name; a missing one is a mistake in the architecture. */
export function parameterOf(parameters: NamedTensors, name: string): Tensor {
  const parameter = parameters[name];
  if (parameter === undefined) throw new Error(`the student has no parameter "${name}"`);
  return parameter;
}
