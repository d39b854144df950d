import { z } from 'zod';
import { digestOf } from '#cache/digest.ts';
import { Failure } from '#cache/failure.ts';
import { canonicalJson } from '#cache/fingerprint.ts';
import { CorruptParquetError } from '#datasets/parquet/errors.ts';

/** What a file of soft labels says about itself, in its footer. */
export interface SoftLabelMeta {
  readonly formatVersion: 1;
  readonly mode: 'top-k' | 'dense';
  /** null when dense. */
  readonly topK: number | null;
  /** Temperatures whose log normaliser is stored, in the order of the columns. */
  readonly temperatures: readonly number[];
  readonly classNames: readonly string[];
  /** Of the artifact that the file belongs to. */
  readonly fingerprint: string;
  readonly teacherDigest: string;
  readonly tokenizerDigest: string;
  /** In tokens. */
  readonly maxLength: number;
  /** ONNX Runtime's execution provider, such as `cpu` or `cuda`. */
  readonly provider: string;
  /** Name and version of the runtime. */
  readonly runtime: string;
  readonly precision: 'float32';
}

/** Two shards of one folder that do not come from the same run. */
export class MixedShardsError extends Failure {
  constructor(path: string, field: string, found: string, first: { path: string; value: string }) {
    const message = `${path}: ${field} is ${shorten(found)}, but ${shorten(first.value)} in ${first.path}`;
    const fix = 'decant cache verify --repair, or make them again: decant run soft-label --force';
    super('corrupt', 'E_SOFT_LABELS_MIXED', message, fix);
  }
}

/** A temperature that a cache does not hold. */
export class TemperatureError extends Failure {
  constructor(meta: SoftLabelMeta, temperature: number) {
    const stored = meta.temperatures.join(', ');
    const wanted = [...meta.temperatures, temperature].sort((a, b) => a - b).join(', ');
    super(
      'usage',
      'E_TEMPERATURE',
      `temperature ${temperature} is not in the soft labels: they hold ${stored || 'none'}`,
      `decant run --set soft-label.temperatures='[${wanted}]'`,
    );
  }
}

/** Where a temperature stands in `meta.temperatures`; throws where it is not stored. */
export function temperatureIndex(meta: SoftLabelMeta, temperature: number): number {
  const index = meta.temperatures.indexOf(temperature);
  if (index < 0) throw new TemperatureError(meta, temperature);
  return index;
}

/** End of a column name: `t2` for 2, `t1_5` for 1.5. */
export function temperatureSuffix(temperature: number): string {
  return `t${String(temperature).replace('.', '_')}`;
}

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
  const [mode, topK] = [data['decant.mode'], data['decant.top_k']];
  if ((mode === 'dense') !== (topK === null)) {
    throw new CorruptParquetError(path, `decant.top_k is ${topK} in mode ${mode}`);
  }
  return {
    formatVersion: 1,
    mode,
    topK,
    temperatures: data['decant.temperatures'],
    classNames,
    fingerprint: data['decant.fingerprint'],
    teacherDigest: data['decant.teacher_digest'],
    tokenizerDigest: data['decant.tokenizer_digest'],
    maxLength: data['decant.max_length'],
    provider: data['decant.provider'],
    runtime: data['decant.runtime'],
    precision: data['decant.precision'],
  };
}

/** Shards of one folder agree in every field, or the folder is refused. */
export function refuseMixedMeta(
  shards: readonly { readonly path: string; readonly meta: SoftLabelMeta }[],
): void {
  const [first, ...others] = shards;
  if (first === undefined) return;
  const firstFields = new Map(Object.entries(first.meta));
  for (const { path, meta } of others) {
    for (const [field, value] of Object.entries(meta)) {
      if (value === firstFields.get(field)) continue;
      const [found, wanted] = [canonicalJson(value), canonicalJson(firstFields.get(field))];
      if (found !== wanted) {
        throw new MixedShardsError(path, field, found, { path: first.path, value: wanted });
      }
    }
  }
}

interface ClassList {
  readonly names: readonly string[];
  readonly json: string;
  readonly digest: string;
}

/** A list of 150,000 names takes 30 ms to put down, and every shard of a run carries the same one. */
function classList(names: readonly string[]): ClassList {
  const json = () => JSON.stringify(names);
  const known = CLASS_LISTS.get(names) ?? {
    names,
    json: json(),
    digest: digestOf(canonicalJson(names)),
  };
  CLASS_LISTS.set(names, known);
  return known;
}

const CLASS_LISTS = new WeakMap<readonly string[], ClassList>();

/** A class list may have thousands of names. */
function shorten(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}...`;
}

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

const footerSchema = z.object({
  'decant.mode': z.enum(['top-k', 'dense']),
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
  'decant.precision': z.literal('float32'),
});

const MAX_SHOWN = 120;
