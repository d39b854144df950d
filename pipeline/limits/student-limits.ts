import { candidatesOf } from '#pipeline/config/auto-student.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { ConfigError } from '#pipeline/config/config-sources.ts';
import type { Problem } from './task-limits.ts';

/** Settings that a student reads beside certain others only; unread they would be a silence. */
interface Belonging {
  readonly settings: readonly (keyof Variant & keyof DecantConfig['student'])[];
  readonly to: string;
  readonly isRead: (student: Reading) => boolean;
}

/** What decides which settings a student reads. */
type Reading = Pick<Variant, 'optimizer' | 'learningRate'> & { readonly architecture: string };
type Variant = DecantConfig['variants'][string];

/** Refuses, all at once, settings that no student reads. */
export function refuseUnread(loaded: LoadedConfig): void {
  const problems = unreadSettings(loaded.config);
  if (problems.length > 0) throw new ConfigError(loaded.file, problems);
}

/**
 * Settings that no student reads: of a variant where it does not read them itself, of `student` where no variant
 * and no trial of `sweep` does, so that variants of several architectures may share it.
 */
export function unreadSettings(config: DecantConfig): readonly Problem[] {
  const { student, variants } = config;
  const own = writtenVariants(config);
  const all = [...own.flatMap((name) => readingsOf(config, name)), ...readingsOfSweep(config)];
  return BELONGINGS.flatMap(({ settings, to, isRead }) =>
    settings.flatMap((setting): Problem[] => [
      ...(student[setting] !== undefined && own.length > 0 && !all.some(isRead)
        ? [
            {
              path: `student.${setting}`,
              problem: `belongs to ${to}: no variant reads it, so leave it out`,
            },
          ]
        : []),
      ...own
        .filter((name) => variants[name]?.[setting] !== undefined)
        .filter((name) => !readingsOf(config, name).some(isRead))
        .map((name) => ({
          path: `variants.${name}.${setting}`,
          problem: `belongs to ${to}, which this variant does not have: leave it out, or set it in student, where those read it that have`,
        })),
    ]),
  );
}

/**
 * Settings of a trial of `sweep` that its student does not read and another one of the sweep does: a bag has no layers
 * to choose from where encoders of several depths are tried beside it.
 */
export function unreadByTrial(config: DecantConfig, trial: string): readonly string[] {
  const [own, others] = [readingsOf(config, trial), readingsOfSweep(config)];
  return BELONGINGS.filter(({ isRead }) => !own.some(isRead) && others.some(isRead)).flatMap(
    ({ settings }) => settings,
  );
}

/** Variants of the file: candidates of `auto` share the settings of theirs. */
function writtenVariants(config: DecantConfig): string[] {
  const names = Object.keys(config.variants);
  const made = new Set(names.flatMap((name) => candidatesOf(config, name).map((one) => one.name)));
  return names.filter((name) => !made.has(name));
}

/** The student of a variant, or those that `auto` tries. */
function readingsOf(config: DecantConfig, name: string): Reading[] {
  const { student, variants } = config;
  const { architecture, optimizer, learningRate } = { ...student, ...variants[name] };
  const candidates = candidatesOf(config, name).map((candidate) => candidate.architecture);
  const architectures = candidates.length > 0 ? candidates : [architecture ?? 'modernbert'];
  return architectures.map((one) => ({ architecture: one, optimizer, learningRate }));
}

/** Students that `decant sweep` tries beside the variants. */
function readingsOfSweep({ student, sweep }: DecantConfig): Reading[] {
  const { architecture = 'modernbert', optimizer, learningRate } = student;
  const usual: Reading = { architecture, optimizer, learningRate };
  return ['architecture', 'optimizer', 'learningRate'].flatMap((setting) => {
    const values = sweep?.over[setting];
    // The sweep's own schema has checked them.
    return Array.isArray(values) ? values.map((value) => ({ ...usual, [setting]: value })) : [];
  });
}

const BELONGINGS: readonly Belonging[] = [
  {
    settings: ['layers'],
    to: 'architecture: modernbert, bert, gpt2, mlp or cnn',
    isRead: ({ architecture }) => !['bag', 'textcnn'].includes(architecture),
  },
  {
    settings: ['heads'],
    to: 'architecture: modernbert, bert or gpt2',
    isRead: ({ architecture }) => ENCODERS.includes(architecture),
  },
  {
    settings: ['intermediateSize'],
    to: 'architecture: modernbert, bert, gpt2 or bag',
    isRead: ({ architecture }) => [...ENCODERS, 'bag'].includes(architecture),
  },
  {
    settings: ['momentum', 'nesterov'],
    to: 'optimizer: sgd',
    isRead: ({ optimizer }) => optimizer === 'sgd',
  },
  {
    settings: ['schedule', 'warmup'],
    to: 'a learningRate that is a number (one that is a schedule has kind and warmup of its own)',
    isRead: ({ learningRate }) => typeof learningRate !== 'object',
  },
  {
    settings: ['kernelWidths', 'filters'],
    to: 'architecture: textcnn',
    isRead: ({ architecture }) => architecture === 'textcnn',
  },
  {
    settings: ['kernelSize', 'poolGrid', 'channels'],
    to: 'architecture: cnn',
    isRead: ({ architecture }) => architecture === 'cnn',
  },
];

/** Students whose layers attend. */
const ENCODERS = ['modernbert', 'bert', 'gpt2'];
