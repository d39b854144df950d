/** Why a row of the corpus does not take part; stable names for scripts. */
export type RejectCode =
  | 'bad-utf8'
  | 'bad-json'
  | 'duplicate-key'
  | 'stray-quote'
  | 'field-count'
  | 'missing-value'
  | 'empty-value'
  | 'wrong-type'
  | 'wrong-shape'
  | 'inexact-number'
  | 'lone-surrogate'
  | 'nul-character'
  | 'leak'
  | 'label-conflict'
  | 'too-long';

/** One row that was left out, with its place and the reason in words. */
export interface Reject {
  /** Name of the file without its folder, so that the bytes do not depend on the machine. */
  readonly file: string;
  /** Line on which the row begins, from 1. */
  readonly line: number;
  /** Name of the column at fault; null where it is the whole row. */
  readonly column: string | null;
  readonly code: RejectCode;
  readonly reason: string;
  readonly excerpt: string;
}

/** The reject without anything of the row itself, for stores that keep no texts. */
export function withoutText(reject: Reject): Reject {
  // What a JSON parser says of a line quotes the line.
  const reason = reject.code === 'bad-json' ? 'not valid JSON' : reject.reason;
  return { ...reject, reason, excerpt: '' };
}

/** The beginning of a text, short enough for a log line and never cut inside a character. */
export function excerptOf(text: string): string {
  const characters = Array.from(text.slice(0, 2 * excerptLength + 2));
  if (characters.length <= excerptLength) return printable(text);
  return `${printable(characters.slice(0, excerptLength).join(''))}...`;
}

/** Half of a surrogate pair cannot be written as UTF-8. */
function printable(text: string): string {
  return text.replace(loneSurrogates, '\ufffd');
}

/** Does the text hold half of a surrogate pair? */
export function hasLoneSurrogate(text: string): boolean {
  return text.search(loneSurrogates) !== -1;
}

const loneSurrogates = /\p{Surrogate}/gu;
const excerptLength = 80;
