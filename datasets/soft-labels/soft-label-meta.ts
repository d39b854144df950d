import { Failure } from '#cache/failure.ts';
import { canonicalJson } from '#cache/fingerprint.ts';
import type { ValueTask } from '#datasets/task.ts';

/** What a file of soft labels says about itself, in its footer. */
export interface SoftLabelMeta {
  readonly formatVersion: 1;
  readonly mode: SoftLabelMode;
  /** Of mode `top-k`, else null. */
  readonly topK: number | null;
  /** Of mode `sampled` only: how often each row was drawn from p_T at the one temperature. */
  readonly samples?: number;
  /** Temperatures at which probabilities can be told, in the order of the columns. */
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
  /** How the numbers of a top k are kept: logits, or log-probabilities in 16 or 8 bits. */
  readonly precision: SoftLabelPrecision;
  /** Where the numbers of `logits` are no distribution: scores of classes one by one, or values. */
  readonly task?: ValueTask;
  /** A row is one token of an example; its place is the column `position`. */
  readonly perToken?: true;
  /** A row is one window of a long text; its number is the column `position`. */
  readonly perWindow?: true;
  /** Values a row of each `hidden_<name>` column of teacher features. */
  readonly hidden?: Readonly<Record<string, number>>;
}

export type SoftLabelMode = 'top-k' | 'dense' | 'sampled';
export type SoftLabelPrecision = 'float32' | 'compact' | 'small';

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
      meta.mode === 'sampled'
        ? `samples are of one temperature: set student.temperature: ${stored}, or decant run --set soft-label.temperatures='[${temperature}]'`
        : `decant run --set soft-label.temperatures='[${wanted}]'`,
    );
  }
}

/** Has an example several rows, each with a `position`? */
export function hasPositions({ perToken, perWindow }: SoftLabelMeta): boolean {
  return perToken === true || perWindow === true;
}

/** Where a temperature stands in `meta.temperatures`; throws where it is not stored. */
export function temperatureIndex(meta: SoftLabelMeta, temperature: number): number {
  const index = meta.temperatures.indexOf(temperature);
  if (index < 0) throw new TemperatureError(meta, temperature);
  return index;
}

/** What is left of a cache when one temperature is read, if it is stored, and no features. */
export function metaAt(meta: SoftLabelMeta, temperature: number): SoftLabelMeta {
  const { hidden: _hidden, ...rest } = meta;
  return { ...rest, temperatures: meta.temperatures.filter((stored) => stored === temperature) };
}

/** End of a column name: `t2` for 2, `t1_5` for 1.5. */
export function temperatureSuffix(temperature: number): string {
  return `t${String(temperature).replace('.', '_')}`;
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

/** A class list may have thousands of names. */
function shorten(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}...`;
}

const MAX_SHOWN = 120;
