import { excerptOf, type Reject } from '#datasets/corpus/reject.ts';
import { leakKeyOf } from '#datasets/example-id.ts';
import { escapeHtml } from '#stages/report/html.ts';
import { textsUnder } from '#stages/report/texts.ts';
import type { ForgottenRow } from './forgotten-row.ts';

/** Takes forgotten rows out of what is no table: each returns what it was given where nothing is in it. */
export interface Redaction {
  readonly exampleIds: ReadonlySet<string>;
  /** A log: lines of JSON, or one JSON text over several lines. */
  readonly log: (text: string) => string;
  /** A report page. */
  readonly page: (text: string) => string;
  /** Whether a reject of prepare is such a row, or one that differs in case and signs only. */
  readonly isForgotten: (reject: Reject) => boolean;
}

/** What stands where a forgotten text or id stood. */
export const FORGOTTEN = '[forgotten]';

export function redactionOf(rows: readonly ForgottenRow[]): Redaction {
  const exampleIds = new Set(rows.map(({ exampleId }) => exampleId));
  const texts = rows.flatMap(({ text, textPair }) => [text ?? [], textPair ?? []].flat());
  const quoted = new Set(texts.flatMap(formsInLogs));
  const rejected = new Set(texts.map((text) => leakKeyOf(excerptOf(text))));
  const shown = shownTexts(rows);
  const withoutIds = (text: string) =>
    text.replace(EXAMPLE_ID, (id) => (exampleIds.has(id) ? FORGOTTEN : id));
  const ofMessage = (text: string): string => {
    const named = withoutIds(text);
    // The user's own id stands beside ours; alone it may be any number, so only there it is struck out.
    const anonymous = named === text ? named : named.replace(/ \(id [^)]*\)/g, '');
    return anonymous.replace(QUOTED, (quotation) => ofQuotation(quotation, quoted, ofMessage));
  };
  return {
    exampleIds,
    log: (text) => text.replace(QUOTED, (literal) => ofQuotation(literal, quoted, ofMessage)),
    page: (text) =>
      withoutIds(text).replace(/<bdi>([^<]*)<\/bdi>/g, (element, content: string) =>
        shown.has(content) ? `<bdi>${FORGOTTEN}</bdi>` : element,
      ),
    isForgotten: ({ excerpt }) => excerpt !== '' && rejected.has(leakKeyOf(excerpt)),
  };
}

/** Messages quote a text as JSON, whole or its beginning. */
function formsInLogs(text: string): string[] {
  return [text, excerptOf(text), `${text.slice(0, 60)}...`];
}

/** A JSON string; what it holds may be a message with quotations of its own. */
function ofQuotation(
  literal: string,
  forgotten: ReadonlySet<string>,
  ofMessage: (text: string) => string,
): string {
  const content = parsed(literal);
  if (content === undefined) return literal;
  const redacted = forgotten.has(content) ? FORGOTTEN : ofMessage(content);
  return redacted === content ? literal : JSON.stringify(redacted);
}

function parsed(literal: string): string | undefined {
  try {
    return String(JSON.parse(literal));
  } catch {
    return undefined;
  }
}

/** Every form in which a report shows these texts. */
function shownTexts(rows: readonly ForgottenRow[]): Set<string> {
  const examples = rows.map((row) => ({ ...row, weight: 1 }));
  const forms = (['full', 'masked'] as const).flatMap((setting) => {
    const textOf = textsUnder(setting, examples);
    return rows.map(({ exampleId }) => textOf(exampleId));
  });
  return new Set(forms.flatMap((text) => (text === null ? [] : [escapeHtml(text)])));
}

const EXAMPLE_ID = /(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/g;
const QUOTED = /"(?:[^"\\\n]|\\.)*"/g;
