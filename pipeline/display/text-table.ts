/** A table for a terminal: header, rule, rows; columns that hold numbers are right-aligned. */
export function textTable(
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
): string {
  const cells = rows.map((row) => row.map(cellText));
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const isNumeric = columns.map(
    (_, index) =>
      cells.length > 0 &&
      cells.every((row) => /^[-+]?[\d,.]*\d\S{0,3}( [a-zA-Z/]+)?$|^-?$/.test(row[index] ?? '')),
  );
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) =>
        isNumeric[index] ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [
    line(columns),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...cells.map(line),
  ].join('\n');
}

/** Names with what they mean, the meaning broken into lines of at most 100 characters and lined up. */
export function explainedNames(
  entries: readonly (readonly [name: string, text: string])[],
): string {
  const indent = Math.max(0, ...entries.map(([name]) => name.length)) + 2;
  return entries
    .map(([name, text]) => `${name.padEnd(indent)}${broken(text, LINE - indent, indent)}`)
    .join('\n');
}

function broken(text: string, width: number, indent: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number')
    return Number.isInteger(value) ? `${value}` : `${Number(value.toPrecision(6))}`;
  if (Array.isArray(value)) return `[${value.map(cellText).join(', ')}]`;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return withoutControls(text);
}

/** Control and bidirectional characters could forge what a terminal shows. */
export function withoutControls(text: string): string {
  return text.replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\u00b7');
}

/** The first of a list in one line; how many more there are is said. */
export function firstOf(texts: readonly string[], separator: string): string {
  const more = texts.length - SHOWN;
  const shown = texts.slice(0, SHOWN);
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(separator);
}

const SHOWN = 3;
const LINE = 100;
