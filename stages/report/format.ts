/** `89.5 %`, or an en dash where there is no figure. */
export function percent(share: number | null, digits = 1): string {
  return share === null ? NONE : `${(share * 100).toFixed(digits)}${THIN_SPACE}%`;
}

/** `89.5` of a share in percent, for columns whose head names the unit. */
export function percentPoints(share: number | null, digits = 1): string {
  return share === null ? NONE : (share * 100).toFixed(digits);
}

/** `+4.0` or a true minus sign before the digits. */
export function signed(value: number, digits = 1): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value > 0 ? '+' : '\u2212'}${text}`;
}

/** `8,954`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** `0.66 M`, `22.8 M`, `581 k`: three digits are what a reader compares. */
export function magnitude(value: number | null): string {
  if (value === null) return NONE;
  const [unit, size] = UNITS.find(([, scale]) => value >= scale) ?? ['', 1];
  const scaled = value / size;
  return unit === '' ? count(value) : `${threeDigits(scaled)}${THIN_SPACE}${unit}`;
}

/** `500 k`, `2 M`: a round number on an axis. */
export function roundMagnitude(value: number): string {
  const [unit, size] = UNITS.find(([, scale]) => value >= scale) ?? ['', 1];
  return `${Number((value / size).toPrecision(3))}${unit === '' ? '' : THIN_SPACE}${unit}`;
}

/** `2.6 MB`, in powers of 1000 as file managers show it. */
export function bytes(value: number): string {
  const [unit, size] = UNITS.find(([, scale]) => value >= scale) ?? ['', 1];
  return `${threeDigits(value / size)}${THIN_SPACE}${unit}B`;
}

/** `0.84 ms`. */
export function milliseconds(value: number): string {
  return `${threeDigits(value)}${THIN_SPACE}ms`;
}

/** Three digits, at most two of them after the point: 0.66, 22.8, 581. */
export function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** A class name as people read it: `card_arrival` is `card arrival`. */
export function readableClass(name: string): string {
  return name.replaceAll('_', ' ');
}

/** Stands where there is no figure. */
export const NONE = '\u2013';

const THIN_SPACE = '\u202F';

const UNITS: readonly (readonly [string, number])[] = [
  ['G', 1e9],
  ['M', 1e6],
  ['k', 1e3],
];
