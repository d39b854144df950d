import { z } from 'zod';

type Bare<Field> = Field extends z.ZodDefault<infer Inner> ? Inner : Field;
type PartOf<Shape> = { readonly [Key in keyof Shape]: z.ZodOptional<Bare<Shape[Key]> & z.ZodType> };

/**
 * The fields of a stage's schema, each optional and without its default: what one section may say of
 * them. The sections are merged first and the stage's own schema fills in the rest.
 */
export function partOf<Shape extends z.ZodRawShape>(shape: Shape): PartOf<Shape> {
  const fields = Object.entries(shape).map(([key, field]) => {
    const described = field as z.ZodType;
    const bare = described instanceof z.ZodDefault ? (described.unwrap() as z.ZodType) : described;
    return [key, bare.optional().describe(described.description ?? '')];
  });
  return Object.fromEntries(fields) as PartOf<Shape>;
}

/** `value` without the entries of `keys`. */
export function without<T extends object, K extends keyof T>(
  value: T,
  keys: readonly K[],
): Omit<T, K> {
  const kept = Object.entries(value).filter(([key]) => !keys.some((other) => other === key));
  return Object.fromEntries(kept) as Omit<T, K>;
}
