import { resolve } from 'node:path';
import { SPLITS } from '#datasets/example.ts';
import { candidatesOf, studentInstance } from '#pipeline/config/auto-student.ts';
import { configAsYaml, type LoadedConfig } from '#pipeline/config/config.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { reproducingCommand } from '#pipeline/history/reproducing-command.ts';
import { MAIN_TEACHER, type Teacher } from '#pipeline/teachers/teachers.ts';
import { report } from '#stages/report/index.ts';
import { createInstance, type InputReference, perSplit, type StageInstance } from './graph.ts';
import { hasInt8, int8Name, operatingPointInput } from './result-wiring.ts';

/** Puts all of it on one page. */
export function reportInstance(
  loaded: LoadedConfig,
  parts: {
    readonly teachers: readonly Teacher[];
    readonly order: readonly string[];
    /** Instances that put the students of several seeds together. */
    readonly spreads: readonly string[];
    readonly exported: string;
    /** The variant that no teacher reaches. */
    readonly baseline: string | undefined;
    readonly needsRelabel: boolean;
  },
): StageInstance {
  const { exported, needsRelabel } = parts;
  const int8 = hasInt8(loaded.config) ? [int8Name(exported)] : [];
  const order = [...parts.order, ...int8];
  const baseline = parts.baseline === undefined ? [] : [parts.baseline];
  const further = parts.teachers.slice(1).map(({ name }) => name);
  const who = [MAIN_TEACHER, ...further, ...order];
  const of = (stage: string, output: string, names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => [`${output}.${name}`, { instance: `${stage}:${name}`, output }]),
    );
  return createInstance('report', report, {
    config: {
      ...loaded.config.report,
      teachers: further.length === 0 ? undefined : further,
      variants: order,
      exported,
      baseline: parts.baseline,
      licenses: licensesOf(loaded.config, parts.teachers),
      // What `decant sweep` tries is nothing that a report is made from.
      resolvedConfig: configAsYaml(
        { ...loaded, config: { ...loaded.config, sweep: undefined } },
        { origins: false },
      ),
      command: reproducingCommand(loaded),
    },
    files: correctionFiles(loaded),
    inputs: {
      ...of('evaluate', 'metrics', who),
      ...of('evaluate', 'predictions', [...new Set([exported, ...baseline, MAIN_TEACHER])]),
      ...Object.fromEntries(
        parts.order.map((name) => [
          `log.${name}`,
          { instance: studentInstance(loaded.config, name), output: 'log' },
        ]),
      ),
      ...Object.fromEntries(
        parts.spreads.map((instance) => [
          instance.replace(/^seed-spread:/, 'spread.'),
          { instance, output: 'spread' },
        ]),
      ),
      ...choicesOf(loaded.config, parts.order),
      ...operatingPointInput(loaded.config, exported),
      ...(hasInt8(loaded.config)
        ? { student: { instance: `export-student:${exported}`, output: 'student' } }
        : {}),
      'predictions/validation': {
        instance: studentInstance(loaded.config, exported),
        output: 'predictions',
      },
      ...perSplit(SPLITS, 'soft-label', 'rows'),
      ...perSplit(SPLITS, 'prepare', 'inputs'),
      ...perSplit(SPLITS, 'prepare', 'labels'),
      ...perSplit(SPLITS, 'prepare', 'tokens/teacher'),
      rejects: { instance: 'prepare', output: 'rejects' },
      classes: { instance: 'prepare', output: 'classes' },
      ...(needsRelabel
        ? { 'hard-labels': { instance: 'hard-relabel', output: 'hard-labels' } }
        : {}),
    },
  });
}

/** Rows that a person has decided are not told as doubtful. */
function correctionFiles({ config, folder }: LoadedConfig): StageInstance['files'] {
  const { corrections = [] } = config.corpus;
  const paths = [corrections].flat().map((path) => resolve(folder, path));
  return paths.length === 0 ? {} : { corrections: paths };
}

/** Which student was taken for each `auto` variant. */
function choicesOf(config: DecantConfig, order: readonly string[]): Record<string, InputReference> {
  const chosen = order.filter((name) => candidatesOf(config, name).length > 0);
  return Object.fromEntries(
    chosen.map((name) => [
      `choice.${name}`,
      { instance: `choose-student:${name}`, output: 'choice' },
    ]),
  );
}

/** What the report tells of licences; left out where none is known, so that earlier reports stay fresh. */
function licensesOf({ corpus }: DecantConfig, teachers: readonly Teacher[]) {
  const known = teachers.flatMap(({ name, license }) =>
    license === undefined ? [] : [{ of: name, license }],
  );
  const all =
    corpus.license === undefined ? known : [...known, { of: 'corpus', license: corpus.license }];
  return all.length === 0 ? undefined : all;
}
