import { z } from 'zod';

/** Of a variant or of a further teacher: they share the names of what `evaluate` measures. */
export const modelName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'use letters, digits, "-" and "_", at most 64')
  .refine((name) => name !== 'teacher', '"teacher" is taken');
