/** The middle one of the numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function geometricMean(numbers: readonly number[]): number {
  return Math.exp(numbers.reduce((sum, value) => sum + Math.log(value), 0) / numbers.length);
}

/** Such as `24.1`. */
export function ms(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(value < 10 ? 2 : 1);
}

/** Such as `1.12 x`. */
export function times(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '-' : `${value.toFixed(2)} x`;
}

/** Such as `3.1 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
