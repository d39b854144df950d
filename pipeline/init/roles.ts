import { Failure } from '#cache/failure.ts';
import type { ColumnSurvey, FileSurvey } from './survey.ts';

/** Which column of the user's file plays which part. */
export interface Roles {
  readonly text: string;
  readonly textPair?: string;
  /** Absent where no column looks like labels. */
  readonly label?: string;
  readonly id?: string;
}

export class NoTextColumnError extends Failure {
  constructor(path: string, columns: readonly string[]) {
    super(
      'data',
      'E_INIT_TEXT',
      `${path}: no column looks like texts (columns: ${columns.join(', ') || 'none'})`,
      'call the column "text", or write decant.yaml by hand and set corpus.columns.text',
    );
  }
}

/** Guesses the roles by name first and by content where no name is known. */
export function guessRoles({ path, rows, columns }: FileSurvey): Roles {
  const filled = columns.filter(({ filled, name }) => filled > 0 && name !== '');
  const pair = pairIn(filled);
  const text = pair?.[0] ?? textIn(filled)?.name;
  if (text === undefined) {
    throw new NoTextColumnError(
      path,
      columns.map(({ name }) => name),
    );
  }
  const rest = filled.filter(({ name }) => name !== text && name !== pair?.[1]);
  const label = labelIn(rest);
  const id = rest.find(
    ({ name, distinct }) => name !== label?.name && looksLikeId(name, distinct, rows),
  );
  return {
    text,
    ...(pair && { textPair: pair[1] }),
    ...(label && { label: label.name }),
    ...(id && { id: id.name }),
  };
}

function textIn(columns: readonly ColumnSurvey[]): ColumnSurvey | undefined {
  const texts = columns.filter(({ isNumeric }) => !isNumeric);
  const named = byName(texts, TEXT_NAMES);
  if (named !== undefined) return named;
  const [longest] = texts.toSorted((a, b) => b.meanLength - a.meanLength);
  // One or two words a row are names or codes and no texts.
  return longest !== undefined && longest.meanLength >= 12 ? longest : undefined;
}

function pairIn(columns: readonly ColumnSurvey[]): readonly [string, string] | undefined {
  const nameOf = (wanted: string) => byName(columns, [wanted])?.name;
  for (const [first, second] of PAIR_NAMES) {
    const [a, b] = [nameOf(first), nameOf(second)];
    if (a !== undefined && b !== undefined) return [a, b];
  }
  return undefined;
}

function labelIn(columns: readonly ColumnSurvey[]): ColumnSurvey | undefined {
  const repeating = columns.filter(
    ({ distinct, filled }) => distinct >= 2 && distinct * 2 <= filled,
  );
  const named = byName(repeating, LABEL_NAMES);
  if (named !== undefined) return named;
  // Without a name: short words that come back often. Numbers may be prices or years.
  const [fewest] = repeating
    .filter(({ isNumeric, meanLength, values }) => !isNumeric && meanLength < 60 && values.size > 0)
    .toSorted((a, b) => a.distinct - b.distinct);
  return fewest;
}

function looksLikeId(name: string, distinct: number, rows: number): boolean {
  return (
    /(^|[_-])(id|uid|uuid|guid|key)$|^(id|index|row)$|Id$/i.test(name) && distinct >= 0.9 * rows
  );
}

/** The column whose name comes first in a list of usual names; case and separators do not matter. */
function byName(
  columns: readonly ColumnSurvey[],
  names: readonly string[],
): ColumnSurvey | undefined {
  const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  for (const wanted of names) {
    const found = columns.find(({ name }) => plain(name) === wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

const TEXT_NAMES =
  'text sentence utterance content body message query question review comment description document input title'.split(
    ' ',
  );
const LABEL_NAMES =
  'label labels labelname labeltext class classname category intent topic sentiment target tag y'.split(
    ' ',
  );
const PAIR_NAMES = [
  ['premise', 'hypothesis'],
  ['sentence1', 'sentence2'],
  ['question1', 'question2'],
  ['texta', 'textb'],
  ['text', 'textpair'],
  ['text1', 'text2'],
] as const;
