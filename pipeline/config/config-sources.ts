import { isMap, isScalar, LineCounter, parse, parseDocument } from 'yaml';
import { Failure } from '#cache/failure.ts';
import { nearestName } from '#datasets/nearest-name.ts';

/** One problem of a configuration: where it is and what is wrong. */
export interface ConfigProblem {
  readonly path: string;
  readonly problem: string;
}

export class ConfigError extends Failure {
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    const lines = problems.map(
      ({ path, problem }) => `  ${path === '' ? '(top)' : path}: ${problem}`,
    );
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super(
      'usage',
      'E_CONFIG',
      `${file} has ${count}:\n${lines.join('\n')}`,
      'correct it; `npx decant config schema` prints every setting with its meaning',
    );
    this.problems = problems;
  }
}

export type Settings = Record<string, unknown>;

/** Where a value came from, weakest first: the later one wins. */
export type Origin = 'default' | 'file' | 'environment' | 'flag';

/** Parses YAML 1.2: duplicate keys, unknown tags, alias bombs and syntax errors are refused with their line. */
export function parseYaml(file: string, text: string): Settings {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, uniqueKeys: true, version: '1.2' });
  const messages = [...document.errors, ...document.warnings].map(({ message, pos }) => ({
    path: `line ${lineCounter.linePos(pos[0]).line}`,
    problem: message.split('\n')[0] ?? message,
  }));
  if (messages.length > 0) throw new ConfigError(file, messages);
  if (!isMap(document.contents)) {
    throw new ConfigError(file, [{ path: '', problem: 'is no mapping of settings' }]);
  }
  try {
    return withoutPrototype(file, document.toJS({ maxAliasCount: 100 }));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(file, [{ path: '', problem: (error as Error).message }]);
  }
}

/** Sets `a.b.c` to a value written as YAML, as `--set a.b.c=value` does. */
export function applySet(settings: Settings, assignment: string): string {
  const at = assignment.indexOf('=');
  const path = assignment.slice(0, at).trim();
  if (at <= 0) {
    throw new ConfigError('--set', [{ path: assignment, problem: 'is not of the form a.b=value' }]);
  }
  setPath(
    settings,
    path.split('.'),
    parseValue(`--set ${path}`, assignment.slice(at + 1)),
    '--set',
  );
  return path;
}

/**
 * Applies `DECANT_TEACHER__MAX_LENGTH=64`: two underscores separate levels; case, `-` and `_` are
 * ignored. Returns the paths that were set. An unknown variable is a problem, not a silence.
 */
export function applyEnvironment(
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>>,
  knownPaths: readonly string[],
): string[] {
  const spelling = new Map(knownPaths.map((path) => [plain(path), path]));
  const applied: string[] = [];
  const problems: ConfigProblem[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || value === undefined || RESERVED.has(name)) continue;
    const wanted = name.slice(PREFIX.length).split('__').map(plain).join('.');
    const path = spelling.get(wanted);
    if (path === undefined) {
      const near = nearestName(wanted, [...spelling.keys()]);
      const hint =
        near === undefined ? '' : `; did you mean ${variableOf(spelling.get(near) ?? near)}?`;
      problems.push({ path: name, problem: `names no setting${hint}` });
      continue;
    }
    setPath(settings, path.split('.'), parseValue(name, value), name);
    applied.push(path);
  }
  if (problems.length > 0) throw new ConfigError('environment', problems);
  return applied;
}

function plain(path: string): string {
  return path.toLowerCase().replaceAll(/[-_]/g, '');
}

function variableOf(path: string): string {
  const levels = path
    .split('.')
    .map((key) => key.replaceAll(/([a-z])([A-Z])/g, '$1_$2').replaceAll('-', '_'));
  return PREFIX + levels.join('__').toUpperCase();
}

function setPath(
  settings: Settings,
  keys: readonly string[],
  value: unknown,
  source: string,
): void {
  let level = settings;
  for (const [depth, key] of keys.entries()) {
    if (FORBIDDEN_KEYS.has(key) || key === '') {
      throw new ConfigError(source, [{ path: keys.join('.'), problem: `"${key}" is no setting` }]);
    }
    if (depth === keys.length - 1) {
      level[key] = value;
      return;
    }
    const next = Object.hasOwn(level, key) ? level[key] : undefined;
    const deeper: Settings = isSettings(next) ? next : Object.create(null);
    level[key] = deeper;
    level = deeper;
  }
}

function parseValue(source: string, text: string): unknown {
  try {
    return parse(text, { version: '1.2' }) ?? null;
  } catch (error) {
    throw new ConfigError(source, [
      { path: text, problem: (error as Error).message.split('\n')[0] ?? '' },
    ]);
  }
}

/** Deep copy without prototypes, so that no key can reach Object.prototype. */
function withoutPrototype(file: string, value: unknown): Settings {
  const copy = (nested: unknown, path: string): unknown => {
    if (Array.isArray(nested)) return nested.map((item, index) => copy(item, `${path}.${index}`));
    if (!isSettings(nested)) return nested;
    const result: Settings = Object.create(null);
    for (const [key, inner] of Object.entries(nested)) {
      const here = path === '' ? key : `${path}.${key}`;
      if (FORBIDDEN_KEYS.has(key))
        throw new ConfigError(file, [{ path: here, problem: 'is no setting' }]);
      result[key] = copy(inner, here);
    }
    return result;
  };
  return copy(value, '') as Settings;
}

export function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isScalar(value);
}

const PREFIX = 'DECANT_';
/** Variables of ours that are no settings of a run. */
const RESERVED = new Set([
  'DECANT_CONFIG',
  'DECANT_CRASH',
  'DECANT_NATIVE_CACHE',
  'DECANT_NATIVE_DEVICE',
  'DECANT_SCREENSHOTS',
  'DECANT_TEST_DEVICE',
  'DECANT_INTEROP_PYTHON',
]);
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
