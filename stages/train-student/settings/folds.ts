import { z } from 'zod';

/** Of a student that is asked about rows which it has not seen. */
export const foldSettings = {
  leftOutFold: z
    .strictObject({ fold: z.int().min(1), of: z.int().min(2) })
    .optional()
    .describe('Train rows of this fold take no part; hard-relabel asks about them.'),
};
