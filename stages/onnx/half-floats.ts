/** IEEE half floats as their 16 bits: a sign, 5 bits of exponent, 10 of fraction. */

/** Largest half float. */
export const MOST_HALF = 65_504;

/** Bits of the nearest half float, of two equally near ones the even; infinity from 65,520 on. */
export function halfOf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (Number.isNaN(value)) return 0x7e00;
  const magnitude = Math.abs(value);
  if (magnitude >= MOST_HALF + 16) return sign | 0x7c00;
  // Below 2^-14 the exponent stays and the fraction loses its leading one.
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  return sign | ((exponent + 14) * 1024 + toEven(magnitude / 2 ** (exponent - 10)));
}

function toEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/** The number that the bits stand for. */
export function floatOfHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
