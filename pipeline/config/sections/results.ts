import { z } from 'zod';
import { evaluateConfig } from '#stages/evaluate/settings.ts';
import { hardRelabelConfig } from '#stages/hard-relabel/settings.ts';
import { goalSchema } from '#stages/operating-point/settings.ts';

/** `hard-relabel`: labels that teacher and student give. */
export const hardRelabelSection = z
  .strictObject({
    student: z.string().describe('Variant whose opinion is asked.'),
    ...hardRelabelConfig.shape,
    control: z
      .boolean()
      .optional()
      .describe(
        'Trains two more students for each one with labels: hard-relabel. NAME.random learns from as many labels at random, NAME.unchanged from none of them: what NAME has above both is due to relabelling.',
      ),
  })
  .optional()
  .describe('How hard labels are made; needed by variants with labels: hard-relabel.');

/** `evaluate`: what the test rows are measured by beyond the whole of them. */
export const evaluateSection = z
  .strictObject({
    slices: evaluateConfig.shape.slices,
    robustness: evaluateConfig.shape.robustness,
  })
  .optional()
  .describe('Parts and changed forms of the test rows that are measured too.');

/** `export`: which student leaves. */
export const exportSection = z
  .strictObject({
    variant: z
      .string()
      .optional()
      .describe('Variant to export. Default: the first one that learns from soft labels only.'),
    quantize: z
      .array(z.literal('int8'))
      .optional()
      .describe(
        'Further ONNX files. int8: onnx/model_quantized.onnx, a quarter of the size, measured as VARIANT.int8.',
      ),
    license: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Licence of the exported student as Hugging Face calls it, such as apache-2.0: stands in the head of its card.',
      ),
    goal: goalSchema
      .optional()
      .describe(
        'When the exported student is sure enough to be answered by: chosen on validation.',
      ),
  })
  .default({})
  .describe('What becomes a Hugging Face directory.');

/** `report`: the page that is sent around. */
export const reportSection = z
  .strictObject({
    title: z.string().default('Distillation report').describe('Heading of report.html.'),
    texts: z
      .enum(['none', 'masked', 'full'])
      .default('none')
      .describe('Whether the report may show texts of the corpus.'),
  })
  .prefault({})
  .describe('The one page that is sent around.');

const bound = z.number();
const byName = (inner: z.ZodType<unknown>) => z.union([bound, z.record(z.string(), inner)]);
/** A gate, or gates below a name: `recall: { fraud: 0.9 }`, `slice: { language: { de: { accuracy: 0.8 } } }`. */
const bounds = byName(byName(byName(bound)));

/** `gate`: what the exported student has to reach. */
export const gateSection = z
  .record(
    z.string(),
    bounds.describe(
      'Bound of a figure of the exported student on the test split, a least value. More is better of accuracy, macroF1, entityF1 (token classification), meanAveragePrecision, agreement, recall.CLASS, precision.CLASS, f1.CLASS, averagePrecision.CLASS, slice.short.accuracy, slice.long.accuracy (the shortest and longest quarter), slice.COLUMN.VALUE.accuracy, robustness.NAME.accuracy, linearCka.TENSOR, rowsPerSecond; of multi-label microF1, macroF1, meanAveragePrecision, subsetAccuracy; of regression pearson, spearman; of language models accuracy, agreement. accuracyVsTeacher is its share of the teacher\u2019s leading figure and gainOverGoldOnly what it has more than the variant that no teacher reaches, by accuracy, entityF1 of taggers of entities, microF1 or pearson; of language models perplexityVsTeacher (that of the teacher over its own) and gainOverGoldOnly (nats a token). Where less is better it is a most: expectedCalibrationError, negativeLogLikelihood, areaUnderRisk, meanSquaredError, meanAbsoluteError, perplexity, parameters, fileMb (10^6 bytes), latencyMsBatch1.p50, latencyMsBatch1.p95, latencyMsBatch32.p50, latencyMsBatch32.p95. heads.NAME.FIGURE is that of a further head. With several seeds their mean.',
    ),
  )
  .optional()
  .describe('What the exported student has to reach; on the wrong side of it `run` ends with 4.');
