import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import { hintFor } from '#datasets/nearest-name.ts';
import { takenNames, withCandidates } from './auto-student.ts';
import { type DecantConfig, decantConfigSchema } from './config-schema.ts';
import {
  applyEnvironment,
  applySet,
  ConfigError,
  type ConfigProblem,
  isSettings,
  type Origin,
  parseYaml,
  type Settings,
} from './config-sources.ts';

/** A checked configuration and where it came from. */
export interface LoadedConfig {
  readonly config: DecantConfig;
  readonly file: string;
  /** Relative paths in the file are relative to this. */
  readonly folder: string;
  /** Path of every setting that is not a default -> where it was set. */
  readonly origins: ReadonlyMap<string, Origin>;
}

export interface ConfigRequest {
  /** decant.yaml, or another file. */
  readonly file: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `a.b=value` assignments; the last one wins. */
  readonly set: readonly string[];
}

export class MissingConfigError extends Failure {
  constructor(file: string) {
    super(
      'usage',
      'E_CONFIG_MISSING',
      `${file}: there is no such file`,
      'go to the folder of your decant.yaml, or name one with --config FILE',
    );
  }
}

/** Reads decant.yaml: defaults < file < environment < flags. All problems are reported at once. */
export function loadConfig(request: ConfigRequest): LoadedConfig {
  const file = resolve(request.file);
  if (!existsSync(file)) throw new MissingConfigError(request.file);
  const settings = parseYaml(request.file, readFileSync(file, 'utf8'));
  const origins = new Map<string, Origin>(pathsOf(settings).map((path) => [path, 'file']));
  const fromEnvironment = applyEnvironment(settings, request.environment, knownPaths(settings));
  for (const path of fromEnvironment) origins.set(path, 'environment');
  for (const assignment of request.set) origins.set(applySet(settings, assignment), 'flag');
  const parsed = decantConfigSchema.safeParse(settings);
  if (!parsed.success) throw new ConfigError(request.file, parsed.error.issues.flatMap(problemsOf));
  return { config: spelledOut(request.file, parsed.data), file, folder: dirname(file), origins };
}

/** A configuration that is not on the disk yet, checked as if it were. */
export function checkedConfig(
  file: string,
  text: string,
  set: readonly string[] = [],
): LoadedConfig {
  const settings = parseYaml(file, text);
  for (const assignment of set) applySet(settings, assignment);
  const parsed = decantConfigSchema.safeParse(settings);
  if (!parsed.success) throw new ConfigError(file, parsed.error.issues.flatMap(problemsOf));
  return { config: spelledOut(file, parsed.data), file, folder: dirname(file), origins: new Map() };
}

/** With a variant for each architecture that `auto` stands for. */
function spelledOut(file: string, config: DecantConfig): DecantConfig {
  const problems = takenNames(config).map((name) => ({
    path: `variants.${name}`,
    problem: 'architecture: auto makes a variant of this name; call yours something else',
  }));
  if (problems.length > 0) throw new ConfigError(file, problems);
  return withCandidates(config);
}

/** The whole configuration as YAML; with `origins` each line says where its value is from. */
export function configAsYaml(loaded: LoadedConfig, options: { readonly origins: boolean }): string {
  if (!options.origins) return stringify(loaded.config);
  const lines = pathsOf(loaded.config as Settings).map((path) => {
    const origin = loaded.origins.get(path) ?? inheritedOrigin(loaded.origins, path) ?? 'default';
    return `${path}: ${JSON.stringify(valueAt(loaded.config as Settings, path))}  # ${origin}`;
  });
  return `${lines.join('\n')}\n`;
}

/** JSON schema of decant.yaml, for editors. */
export function configJsonSchema(): Settings {
  const schema = z.toJSONSchema(decantConfigSchema, { io: 'input', target: 'draft-7' });
  return { ...schema, title: 'decant.yaml' };
}

function problemsOf(issue: z.core.$ZodIssue): ConfigProblem[] {
  const path = issue.path.map(String).join('.');
  // Why a name cannot be one is said within.
  if (issue.code === 'invalid_key') {
    return issue.issues.map(({ message }) => ({ path, problem: message }));
  }
  if (issue.code !== 'unrecognized_keys') return [{ path, problem: issue.message }];
  return issue.keys.map((key) => {
    const known = keysAt(issue.path.map(String));
    const problem = `unknown setting; ${hintFor(key, known)}`;
    return { path: path === '' ? key : `${path}.${key}`, problem };
  });
}

/** Names of the settings at a path of the schema. */
function keysAt(path: readonly string[]): string[] {
  let level: unknown = configJsonSchema();
  for (const key of path) level = descend(level, key);
  return Object.keys(objectOf(level)?.properties ?? {});
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly additionalProperties?: unknown;
  readonly anyOf?: readonly unknown[];
}

function descend(schema: unknown, key: string): unknown {
  const object = objectOf(schema);
  return object?.properties?.[key] ?? object?.additionalProperties;
}

function objectOf(schema: unknown): JsonSchema | undefined {
  if (!isSettings(schema)) return undefined;
  const found = schema as JsonSchema;
  return found.anyOf === undefined
    ? found
    : (found.anyOf.map(objectOf).find((option) => option?.properties !== undefined) ?? found);
}

/** Every setting that an environment variable may name: those of the schema, per variant and teacher of the file. */
function knownPaths(settings: Settings): string[] {
  const walk = (schema: unknown, path: string): string[] => {
    const object = objectOf(schema);
    const properties = Object.entries(object?.properties ?? {});
    const named = properties.length > 0 ? properties : namedEntries(object, path, settings);
    if (named.length === 0) return [path];
    return named.flatMap(([key, nested]) => walk(nested, path === '' ? key : `${path}.${key}`));
  };
  return walk(configJsonSchema(), '');
}

function namedEntries(
  schema: JsonSchema | undefined,
  path: string,
  settings: Settings,
): [string, unknown][] {
  const named = settings[path];
  if (!['variants', 'teachers', 'heads'].includes(path) || !isSettings(named)) return [];
  return Object.keys(named).map((name) => [name, schema?.additionalProperties]);
}

function pathsOf(settings: Settings, path = ''): string[] {
  return Object.entries(settings).flatMap(([key, value]) => {
    const here = path === '' ? key : `${path}.${key}`;
    return isSettings(value) && Object.keys(value).length > 0 ? pathsOf(value, here) : [here];
  });
}

function inheritedOrigin(origins: ReadonlyMap<string, Origin>, path: string): Origin | undefined {
  const parent = path.slice(0, path.lastIndexOf('.'));
  if (!path.includes('.')) return undefined;
  return origins.get(parent) ?? inheritedOrigin(origins, parent);
}

export function valueAt(settings: Settings, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((level, key) => (isSettings(level) ? level[key] : undefined), settings);
}
