import { Failure } from '#cache/failure.ts';
import { shapesOf } from '#datasets/feature-rows.ts';
import { isValueTask } from '#datasets/task.ts';
import type { StoredTokens } from '#datasets/tokens/tokens.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { sizeOf } from '#stages/students/features.ts';
import { initialise } from '#stages/students/parameters.ts';
import type {
  Architecture,
  ParameterSpec,
  StudentShape,
  TaskHead,
} from '#stages/students/student.ts';
import { allParameters } from '#stages/students/task-heads.ts';
import type { StepProgram } from '#stages/tensorflow/step-program.ts';
import type { BatchLayout } from './batches/batch-feeds.ts';
import { chooseBuckets } from './batches/buckets.ts';
import { eachRow, tokenLengths } from './batches/token-rows.ts';
import { answersPerBatch } from './language/language-targets.ts';
import { hintsOf } from './losses/hints.ts';
import { type StudentLosses, studentLosses } from './losses/student-losses.ts';
import { largestOf } from './settings/schedules.ts';
import type { Settings } from './settings.ts';
import { type Start, type StartWeights, startWeights } from './start/initial-weights.ts';
import { stepParameters, studentProgram } from './student-program.ts';
import { NO_VOCABULARY, readVocabulary, studentShape } from './student-shape.ts';
import type { TrainingInputs } from './training-inputs.ts';
import type { TransferSet } from './transfer-set.ts';

/** A student that is ready to be trained. */
export interface StudentSetup {
  readonly architecture: Architecture;
  readonly shape: StudentShape;
  readonly layout: BatchLayout;
  /** Sequence lengths of the batches, ascending. */
  readonly buckets: readonly number[];
  readonly losses: StudentLosses;
  readonly program: StepProgram;
  /** The same program for batches of another size. */
  readonly programOf: (batchSize: number) => StepProgram;
  readonly initialisation: StartWeights['initialisation'];
}

/** Folders that a student is built from. */
export interface StudentSources {
  readonly tokenizer: string;
  /** Another student to start from. */
  readonly initFrom: string | undefined;
  readonly initialise: Start['initialise'];
  /** Module of a soft loss of the user's own. */
  readonly softLoss: string | undefined;
  /** Further tasks of the same encoder. */
  readonly taskHeads?: readonly TaskHead[] | undefined;
}

/** Builds the student that the settings ask for over these inputs. */
export async function setUpStudent(
  settings: Settings,
  inputs: TrainingInputs,
  transferSet: TransferSet,
  sources: StudentSources,
): Promise<StudentSetup> {
  const architecture = architectureOf(settings.architecture);
  const features = inputs.features && shapesOf(inputs.features.train);
  const hasText = features === undefined || inputs.train.tokenIds.length > 0;
  const vocabulary = hasText
    ? await readVocabulary(sources.tokenizer, settings.task)
    : NO_VOCABULARY;
  const { taskHeads = [] } = sources;
  const shape = {
    ...studentShape(settings, vocabulary, {
      classCount: inputs.classNames.length,
      maxLength: inputs.train.maxLength,
      features,
    }),
    ...(taskHeads.length > 0 && { taskHeads }),
  };
  const buckets = bucketsOf(inputs, shape);
  const ofRows = layoutOfBatches(settings, inputs, transferSet, shape);
  const { batchSize } = ofRows;
  const losses = await studentLosses(settings, inputs, {
    soft: ofRows.soft,
    module: sources.softLoss,
  });
  const layout = {
    ...ofRows,
    ...(losses.classWeights && { classWeights: losses.classWeights }),
    ...(shape.languageModel && {
      answersPerBatch: answersPerBatch(inputs.train, { buckets, batchSize }),
    }),
  };
  const { weights, initialisation } = await startWeights(
    { specs: architecture.parameters(shape), shape, classNames: inputs.classNames },
    {
      ...sources,
      tokenizer: hasText ? sources.tokenizer : undefined,
      seed: settings.seed,
    },
  );
  const projections = stepParameters({ architecture, shape, layout }).slice(
    allParameters({ architecture, shape }).length,
  );
  const start = withProjections(weights, projections, settings.seed);
  const programOf = (batchSize: number) =>
    studentProgram({
      architecture,
      shape,
      layout: { ...layout, batchSize },
      buckets,
      initialWeights: start,
      settings,
      losses,
    });
  const program = programOf(layout.batchSize);
  return { architecture, shape, layout, buckets, losses, program, programOf, initialisation };
}

/** Sequence lengths of the batches of these rows; refuses a row that the student cannot read. */
export function bucketsOf(
  { train, validation, views }: TrainingInputs,
  shape: StudentShape,
): readonly number[] {
  const tables = [train, validation.tokens, ...(views ? [views.tokens] : [])];
  for (const table of tables) requireFitting(table, shape);
  return chooseBuckets(tables.flatMap(tokenLengths));
}

/** A row has more tokens than the student has positions for. */
export class InputTooLongError extends Failure {
  constructor(exampleId: string, length: number, maxLength: number) {
    super(
      'usage',
      'E_STUDENT_INPUT_LENGTH',
      `example ${exampleId} has ${length} tokens, student.maxLength is ${maxLength}`,
      `set student.maxLength to ${length} or more, or tokenise shorter`,
    );
  }
}

/** A token id stands in no embedding table; a GPU would read another word's vector without a word. */
export class TokenIdError extends Failure {
  constructor(exampleId: string, tokenId: number, vocabularySize: number) {
    super(
      'corrupt',
      'E_TOKEN_ID',
      `example ${exampleId} has token id ${tokenId}, the student's tokenizer has ${vocabularySize}`,
      'tokenise again: decant run --force prepare',
    );
  }
}

function requireFitting(tokens: StoredTokens, { maxLength, vocabularySize }: StudentShape): void {
  let row = 0;
  for (const tokenIds of eachRow(tokens)) {
    const exampleId = tokens.exampleIds[row++] ?? '';
    if (tokenIds.length > maxLength) {
      throw new InputTooLongError(exampleId, tokenIds.length, maxLength);
    }
    const wrong = tokenIds.find((tokenId) => tokenId < 0 || tokenId >= vocabularySize);
    if (wrong !== undefined) throw new TokenIdError(exampleId, wrong, vocabularySize);
  }
}

/** The student's weights, and behind them those of its training alone. */
function withProjections(
  weights: Float32Array,
  projections: readonly ParameterSpec[],
  seed: number,
): Float32Array {
  if (projections.length === 0) return weights;
  const behind = initialise(projections, seed);
  const all = new Float32Array(weights.length + behind.length);
  all.set(weights);
  all.set(behind, weights.length);
  return all;
}

/** Which inputs a step over these rows has. */
export function layoutOfBatches(
  { batchSize, accumulate, dropout, hardLossWeight, task, hints }: Settings,
  { gold, wordGold, softLabels }: TrainingInputs,
  transferSet: TransferSet,
  { padTokenId, features, perToken }: StudentShape,
): BatchLayout {
  const hard = largestOf(hardLossWeight) > 0 && transferSet.goldCount > 0;
  const perRow = [...gold.values()].reduce((most, { length }) => Math.max(most, length), 0);
  const widest = wordGold === undefined ? perRow : 1;
  return {
    batchSize: batchSize / (accumulate ?? 1),
    padTokenId,
    dropout: dropout > 0,
    soft: transferSet.soft,
    ...(hints && { hints: hintsOf(hints, softLabels[0]?.reader) }),
    goldPerRow: hard ? widest : 0,
    ...(isValueTask(task) && { valueTask: task }),
    ...(features && {
      features: Object.fromEntries(features.map(({ name, shape }) => [name, sizeOf(shape)])),
    }),
    ...(perToken && { perToken }),
  };
}
