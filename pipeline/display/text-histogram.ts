import { formatCount } from '#pipeline/observers/progress.ts';
import { textTable } from './text-table.ts';

/** Rows between two edges; the last bin holds its upper edge too. */
export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** Share of the labelled rows of the bin whose best class is gold; null where none is labelled. */
  readonly agreement: number | null;
}

/** A histogram for a terminal: one line a bin, with bars of blocks to an eighth of a character. */
export function textHistogram(title: string, bins: readonly Bin[]): string {
  const total = bins.reduce((sum, { rows }) => sum + rows, 0);
  const most = Math.max(1, ...bins.map(({ rows }) => rows));
  const lines = bins.map(({ from, to, rows, agreement }) => [
    `${shortNumber(from)} to ${shortNumber(to)}`,
    bar(rows / most),
    formatCount(rows),
    percent(total === 0 ? null : rows / total),
    percent(agreement),
  ]);
  return textTable([title, '', 'rows', 'share', 'agree'], lines);
}

/** 0.923 -> "92.3 %"; "-" where there is nothing to divide by. */
export function percent(share: number | null): string {
  return share === null ? '-' : `${(100 * share).toFixed(1)} %`;
}

function bar(share: number): string {
  const eighths = Math.round(share * BAR_WIDTH * 8);
  const blocks = '\u2588'.repeat(Math.floor(eighths / 8)) + (PARTS[eighths % 8] ?? '');
  // Few rows are not no rows.
  return blocks === '' && share > 0 ? '\u258f' : blocks;
}

function shortNumber(value: number): string {
  return `${Number(value.toPrecision(4))}`;
}

const BAR_WIDTH = 40;
const PARTS = ['', '\u258f', '\u258e', '\u258d', '\u258c', '\u258b', '\u258a', '\u2589'];
