import { type Command, InvalidArgumentError, Option } from 'commander';

/** For options that may be repeated. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

/** Options of every command that reads decant.yaml. */
export function withProject(command: Command): Command {
  return command
    .option('--config <file>', 'configuration to use', 'decant.yaml')
    .option('--set <a.b=value>', 'override a setting; may be repeated', collect, [])
    .option('--store <dir>', 'store to use (default: .decant beside the configuration)');
}

/** `90s`, `10m`, `2h`, `7d` in milliseconds. */
function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('write it as 90s, 10m, 2h or 7d');
  return Number(match[1]) * (UNITS_MS[match[2] ?? ''] ?? 1);
}

/** An option that takes a time such as `10m`; without a default it may be left out. */
export function time(flags: string, description: string, standard?: string): Option {
  const option = new Option(flags, description).argParser(duration);
  return standard === undefined ? option : option.default(duration(standard), standard);
}

/** A whole number of at least 0. */
export function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('write a whole number');
  return Number(text);
}

/** A whole number of at least 1. */
export function countFromOne(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('write a whole number from 1 on');
  return Number(text);
}

/** A number above 0. */
export function positive(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('write a number above 0');
}

/** `a, b` as two names. */
export function names(text: string): string[] {
  const found = text.split(',').map((name) => name.trim());
  if (found.includes('')) throw new InvalidArgumentError('write names with commas between them');
  return found;
}

/** A share between 0 and 1, both excluded. */
export function share(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError('write a share such as 0.2');
}

/** `1%` or `0.01`: above 0, at most 1. */
export function sampleShare(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text);
  const value = Number(match?.[1] ?? NaN) / (match?.[2] === '%' ? 100 : 1);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('write a share such as 1% or 0.01');
}

/** An option with a fixed list of values; without a default it may be left out. */
export function choice(
  flags: string,
  description: string,
  values: readonly string[],
  standard?: string,
): Option {
  const option = new Option(flags, description).choices(values);
  return standard === undefined ? option : option.default(standard);
}

/** Sets what the process ends with. */
export function exitWith(code: number): void {
  process.exitCode = code;
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
