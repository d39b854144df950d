import { Failure } from '#cache/failure.ts';
import { wordTableRows } from '#stages/onnx/word-table.ts';
import type { TeacherRow } from './teacher-rows.ts';

/** A row has a token that the model has no vector for. */
export class UnknownTokenError extends Failure {
  constructor({ split, exampleId, sourceId }: TeacherRow, tokenId: number, known: number) {
    const name = sourceId === null ? exampleId : `${exampleId} (id ${sourceId})`;
    super(
      'model',
      'E_TEACHER_TOKENIZER',
      `${split} row ${name} has the token ${tokenId}, but the teacher knows only 0 to ${known - 1}`,
      'put the tokenizer.json beside the teacher that it was trained with: decant teacher check compares them',
    );
  }
}

/**
 * Refuses rows with ids beyond the tables that the model looks them up in, where its graph shows them: what
 * ONNX Runtime says of it names no row on the CPU, and on a GPU it may say nothing and take zeros.
 */
export function requireKnownTokens(model: string, rows: Iterable<TeacherRow>): void {
  const known = wordTableRows(model) ?? Number.POSITIVE_INFINITY;
  const knownTargets = wordTableRows(model, 'decoder_input_ids') ?? Number.POSITIVE_INFINITY;
  for (const row of rows) {
    requireBelow(row, row.tokenIds, known);
    if (row.targetIds !== undefined) requireBelow(row, row.targetIds, knownTargets);
  }
}

/**
 * Tells rows with a token above those of all rows before. The first row that has an id which a model does not know is
 * one of them, so that these few are enough for `requireKnownTokens`.
 */
export function higherTokens(): (row: TeacherRow) => boolean {
  let [highest, highestTarget] = [-1, -1];
  return ({ tokenIds, targetIds = NO_TOKENS }) => {
    const [before, targetBefore] = [highest, highestTarget];
    for (const tokenId of tokenIds) if (tokenId > highest) highest = tokenId;
    for (const tokenId of targetIds) if (tokenId > highestTarget) highestTarget = tokenId;
    return highest > before || highestTarget > targetBefore;
  };
}

function requireBelow(row: TeacherRow, tokenIds: Int32Array, known: number): void {
  for (const tokenId of tokenIds) {
    if (tokenId >= known) throw new UnknownTokenError(row, tokenId, known);
  }
}

const NO_TOKENS = new Int32Array();
