import type { GraphBuilder } from './graph-builder.ts';

/**
 * exp(value / T) for each T, for values <= 0. Where one temperature is another times a power of two,
 * squaring replaces the Exp: e2 = e4^2, e1 = e2^2. Each squaring doubles the relative error
 * (6e-8 at the start), so a chain ends after four.
 */
export function expAtEach(
  build: GraphBuilder,
  value: string,
  temperatures: readonly number[],
): ReadonlyMap<number, string> {
  const done = new Map<number, { readonly name: string; readonly squarings: number }>();
  for (const temperature of temperatures.toSorted((a, b) => b - a)) {
    const chains = [...done].map(([from, { name, squarings }]) => {
      const more = Math.log2(from / temperature);
      return { name, more, squarings: squarings + more };
    });
    const chain = chains.findLast(
      ({ more, squarings }) => Number.isInteger(more) && squarings <= MAX_SQUARINGS,
    );
    if (chain === undefined) {
      const name = build.unary('Exp', build.divide(value, temperature));
      done.set(temperature, { name, squarings: 0 });
    } else {
      done.set(temperature, {
        name: square(build, chain.name, chain.more),
        squarings: chain.squarings,
      });
    }
  }
  return new Map([...done].map(([temperature, { name }]) => [temperature, name]));
}

function square(build: GraphBuilder, value: string, times: number): string {
  let result = value;
  for (let count = 0; count < times; count++) result = build.binary('Mul', result, result);
  return result;
}

const MAX_SQUARINGS = 4;
