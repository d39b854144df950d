/** Markup that is already safe. Only `html` and `Html.trusted` make it, so that nothing read reaches the page unescaped. */
export class Html {
  readonly markup: string;

  private constructor(markup: string) {
    this.markup = markup;
  }

  /** Text of this project's own source, such as the style sheet. Never anything that was read. */
  static trusted(markup: string): Html {
    return new Html(markup);
  }

  static of(parts: readonly string[], values: readonly HtmlValue[]): Html {
    const pieces = parts.map((part, index) =>
      index < values.length ? part + markupOf(values[index]) : part,
    );
    return new Html(pieces.join(''));
  }
}

/** What may stand in a template: text and numbers are escaped, markup is kept, lists are joined. */
export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[];

/** Tagged template for HTML and SVG: every value is escaped unless it is markup already. */
export function html(parts: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return Html.of(parts, values);
}

/** Text that means itself in element content and in quoted attributes, with nothing invisible left in it. */
export function escapeHtml(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, '\uFFFD')
    .replace(INVISIBLE, visibleForm)
    .replace(/[&<>"'`]/g, (character) => `&#${character.codePointAt(0)};`);
}

function markupOf(value: HtmlValue): string {
  if (value instanceof Html) return value.markup;
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return escapeHtml(String(value));
  if (value === null || value === undefined || value === false) return '';
  return value.map(markupOf).join('');
}

/** Control characters get their picture (ESC is U+241B), the others their code point. */
function visibleForm(character: string): string {
  const codePoint = character.codePointAt(0) ?? 0;
  if (codePoint < 0x20) return String.fromCodePoint(0x2400 + codePoint);
  if (codePoint === 0x7f) return '\u2421';
  return `[U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}]`;
}

// Controls but tab and line feed, bidirectional overrides and isolates, zero-width space, separators,
// byte order mark. They could reorder or hide what a reader sees. Joiners stay: emoji need them.
const INVISIBLE =
  /(?![\t\n])\p{Cc}|[\u00AD\u061C\u200B\u200E\u200F\u2028\u2029\u202A-\u202E\u2060\u2066-\u2069\uFEFF\uFFF9-\uFFFB]/gu;
