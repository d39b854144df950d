/** At most `count` of the numbers below `total`, evenly spaced and ascending. */
export function evenly(total: number, count: number): number[] {
  const taken = Math.min(total, count);
  return Array.from({ length: taken }, (_, index) => Math.floor((index * total) / taken));
}
