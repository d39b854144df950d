import { readFile } from 'node:fs/promises';
import { Failure } from '#cache/failure.ts';
import {
  parseTokenizerJson,
  piecesOf,
  type TokenizerJson,
} from '#datasets/tokens/tokenizer-json.ts';

/** The model that weights come from reads with other pieces than the student. */
export class OtherVocabularyError extends Failure {
  constructor(theirs: string, ours: string, problem: string) {
    super(
      'model',
      'E_INITIALISE_VOCABULARY',
      `${theirs}: ${problem} (the student's is ${ours})`,
      'initialise from a model that reads with the tokenizer of the teacher, or leave initialise out',
    );
  }
}

/** For each id of the student's tokenizer.json, the id of the same piece in another one. */
export async function vocabularyRows(ours: string, theirs: string): Promise<Int32Array> {
  const [own, other] = await Promise.all([ours, theirs].map(readTokenizer));
  if (own === undefined || other === undefined) return new Int32Array();
  if (own.model.type !== other.model.type) {
    const problem = `it is a ${other.model.type} tokenizer, the student's is ${own.model.type}`;
    throw new OtherVocabularyError(theirs, ours, problem);
  }
  const idOf = new Map(piecesOf(other).map((piece, id) => [piece, id]));
  const pieces = piecesOf(own);
  const unknown = pieces.filter((piece) => piece !== undefined && !idOf.has(piece));
  if (unknown.length > 0) {
    const problem = `it lacks ${unknown.length} of the student's ${pieces.length} pieces, the first is "${unknown[0]}"`;
    throw new OtherVocabularyError(theirs, ours, problem);
  }
  // Ids that no piece has take the first row: no text ever asks for them.
  return Int32Array.from(pieces, (piece) => (piece === undefined ? 0 : (idOf.get(piece) ?? 0)));
}

async function readTokenizer(path: string): Promise<TokenizerJson> {
  return parseTokenizerJson(await readFile(path, 'utf8'), path);
}
