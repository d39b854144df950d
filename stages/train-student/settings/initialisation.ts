import { z } from 'zod';

const source = z
  .strictObject({
    from: z
      .string()
      .min(1)
      .describe(
        'teacher, or a folder of Hugging Face (config.json, tokenizer.json, and model.safetensors or onnx/model.onnx) or of a student.',
      ),
    take: z
      .enum(['all', 'embeddings'])
      .optional()
      .describe(
        'all (the default): every weight, in a student of the same widths; embeddings: the vectors of the word pieces alone, narrowed by truncated SVD where the student is narrower.',
      ),
    layers: z
      .array(z.int().min(0))
      .min(1)
      .optional()
      .describe(
        'Of take: all, the layer that each layer of the student is taken from, such as [0, 2, 4].',
      ),
  })
  .refine(({ take, layers }) => layers === undefined || take !== 'embeddings', {
    path: ['layers'],
    message: 'belongs to take: all; embeddings are below the layers',
  });

/** Settings of where a student's weights start. */
export const initialisationFields = {
  initialise: z
    .union([z.literal('random'), source])
    .optional()
    .describe(
      "Where the weights start: random (the default), or { from: teacher or FOLDER, take, layers }. Rows follow the student's vocabulary by piece and its classes by name; a head for other classes starts at random.",
    ),
};

/** Weights that a student starts from. */
export type InitialiseSource = z.infer<typeof source>;
