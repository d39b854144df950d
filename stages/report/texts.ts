import type { StoredExample } from '#datasets/example.ts';
import type { ReportConfig } from './config.ts';

/** What the page may show of an example's text; null where it may show nothing. */
export type TextOf = (exampleId: string) => string | null;

/** Texts of these examples under the privacy setting. */
export function textsUnder(
  setting: ReportConfig['texts'],
  examples: readonly StoredExample[],
): TextOf {
  if (setting === 'none') return () => null;
  const texts = new Map(
    examples.map(({ exampleId, text, textPair }) => [exampleId, wholeText(text, textPair)]),
  );
  return (exampleId) => {
    const text = texts.get(exampleId) ?? null;
    return text === null || setting === 'full' ? text : masked(text);
  };
}

function wholeText(text: string | null, textPair: string | null): string | null {
  if (text === null) return null;
  return shortened(textPair === null ? text : `${text} | ${textPair}`);
}

/** A report shows examples; whole documents would bury it. */
function shortened(text: string): string {
  const cut = text.slice(0, LONGEST).replace(/[\uD800-\uDBFF]$/, '');
  return text.length <= LONGEST ? text : `${cut}\u2026`;
}

function masked(text: string): string {
  return text.replace(/\p{L}\p{M}*/gu, 'x').replace(/\p{N}/gu, '0');
}

const LONGEST = 240;
