import { z } from 'zod';
import { digestOf } from '#cache/digest.ts';
import { canonicalJson } from '#cache/fingerprint.ts';
import { CorruptParquetError } from '#datasets/parquet/errors.ts';
import type { SoftLabelMeta } from './soft-label-meta.ts';

/** The footer's form of `meta`. The format version is written by the table. */
export function footerOf(meta: SoftLabelMeta): Record<string, string> {
  return {
    'decant.mode': meta.mode,
    'decant.top_k': JSON.stringify(meta.topK),
    'decant.temperatures': JSON.stringify(meta.temperatures),
    'decant.classes': classList(meta.classNames).json,
    'decant.classes_digest': classList(meta.classNames).digest,
    'decant.fingerprint': meta.fingerprint,
    'decant.teacher_digest': meta.teacherDigest,
    'decant.tokenizer_digest': meta.tokenizerDigest,
    'decant.max_length': String(meta.maxLength),
    'decant.provider': meta.provider,
    'decant.runtime': meta.runtime,
    'decant.precision': meta.precision,
    ...(meta.samples !== undefined && { 'decant.samples': String(meta.samples) }),
    ...(meta.task && { 'decant.task': meta.task }),
    ...(meta.perToken && { 'decant.rows': 'token' }),
    ...(meta.perWindow && { 'decant.rows': 'window' }),
    ...(meta.hidden && { 'decant.hidden': JSON.stringify(meta.hidden) }),
  };
}

/** Opposite of `footerOf`; throws where the footer contradicts itself. */
export function metaOf(path: string, footer: Readonly<Record<string, string>>): SoftLabelMeta {
  const parsed = footerSchema.safeParse(footer);
  if (!parsed.success) throw new CorruptParquetError(path, z.prettifyError(parsed.error));
  const { data } = parsed;
  const { names: classNames, digest } = data['decant.classes'];
  if (digest !== data['decant.classes_digest']) {
    throw new CorruptParquetError(path, 'decant.classes does not fit decant.classes_digest');
  }
  const [samples, hidden] = [data['decant.samples'], data['decant.hidden']];
  const meta: SoftLabelMeta = {
    formatVersion: 1,
    mode: data['decant.mode'],
    topK: data['decant.top_k'],
    ...(samples !== undefined && { samples }),
    temperatures: data['decant.temperatures'],
    classNames,
    fingerprint: data['decant.fingerprint'],
    teacherDigest: data['decant.teacher_digest'],
    tokenizerDigest: data['decant.tokenizer_digest'],
    maxLength: data['decant.max_length'],
    provider: data['decant.provider'],
    runtime: data['decant.runtime'],
    precision: data['decant.precision'],
    ...(data['decant.task'] && { task: data['decant.task'] }),
    ...(data['decant.rows'] === 'token' && { perToken: true }),
    ...(data['decant.rows'] === 'window' && { perWindow: true }),
    ...(hidden !== undefined && { hidden }),
  };
  const problem = contradictionIn(meta);
  if (problem !== undefined) throw new CorruptParquetError(path, problem);
  return meta;
}

function contradictionIn(meta: SoftLabelMeta): string | undefined {
  const { mode, topK, samples, temperatures, precision } = meta;
  if (meta.task !== undefined && (mode !== 'dense' || temperatures.length > 0)) {
    return `decant.task is ${meta.task} in mode ${mode}, at ${temperatures.length} temperatures`;
  }
  if ((mode === 'top-k') !== (topK !== null)) return `decant.top_k is ${topK} in mode ${mode}`;
  if ((mode === 'sampled') !== (samples !== undefined)) {
    return `decant.samples is ${samples} in mode ${mode}`;
  }
  if (mode === 'sampled' && temperatures.length !== 1) {
    return `samples of ${temperatures.length} temperatures`;
  }
  if (precision === 'float32') return undefined;
  if (mode !== 'top-k') return `decant.precision is ${precision} in mode ${mode}`;
  if (!temperatures.includes(1)) return `decant.precision is ${precision} without temperature 1`;
  return undefined;
}

interface ClassList {
  readonly names: readonly string[];
  readonly json: string;
  readonly digest: string;
}

/** A list of 150,000 names takes 30 ms to put down, and every shard of a run carries the same one. */
function classList(names: readonly string[]): ClassList {
  const known = CLASS_LISTS.get(names) ?? {
    names,
    json: JSON.stringify(names),
    digest: digestOf(canonicalJson(names)),
  };
  CLASS_LISTS.set(names, known);
  return known;
}

const CLASS_LISTS = new WeakMap<readonly string[], ClassList>();

/** A footer value that is JSON inside. All shards of a folder have the same ones: read once. */
function json<Out>(schema: z.ZodType<Out>) {
  let last: { readonly text: string; readonly value: Out } | undefined;
  return z.string().transform((text, context): Out => {
    if (last?.text === text) return last.value;
    const content = parsedJson(text);
    const parsed = schema.safeParse(content);
    if (parsed.success) {
      last = { text, value: parsed.data };
      return parsed.data;
    }
    const message = content === undefined ? 'no JSON' : z.prettifyError(parsed.error);
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

/** undefined where the text is no JSON. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A count has 16 bits. */
const MOST_SAMPLES = 0xffff;

const footerSchema = z.object({
  'decant.mode': z.enum(['top-k', 'dense', 'sampled']),
  'decant.top_k': json(z.int().positive().nullable()),
  'decant.temperatures': json(z.array(z.number().positive())),
  'decant.classes': json(z.array(z.string()).transform(classList)),
  'decant.classes_digest': z.string(),
  'decant.fingerprint': z.string(),
  'decant.teacher_digest': z.string(),
  'decant.tokenizer_digest': z.string(),
  'decant.max_length': json(z.int().positive()),
  'decant.provider': z.string(),
  'decant.runtime': z.string(),
  'decant.precision': z.enum(['float32', 'compact', 'small']),
  'decant.samples': json(z.int().positive().max(MOST_SAMPLES)).optional(),
  'decant.task': z.enum(['multi-label', 'regression']).optional(),
  'decant.rows': z.enum(['token', 'window']).optional(),
  'decant.hidden': json(z.record(z.string().regex(/^\w+$/), z.int().positive())).optional(),
});
