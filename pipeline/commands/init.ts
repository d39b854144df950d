import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';
import { checkedConfig, configJsonSchema } from '#pipeline/config/config.ts';
import { draftConfig } from '#pipeline/init/draft.ts';
import { type Findings, labelledIn, lookAt } from '#pipeline/init/findings.ts';
import { holdOut } from '#pipeline/init/hold-out.ts';
import { type Recipe, recipes, suitableRecipe } from '#pipeline/init/recipes.ts';
import { formatCount } from '#pipeline/observers/progress.ts';
import { graphOf } from '#pipeline/wiring/wiring.ts';

export interface InitOptions {
  readonly recipe?: string;
  readonly teacher?: string;
  readonly validation?: string;
  readonly test?: string;
  /** Share of the labelled rows to put aside for the test. */
  readonly holdOut?: number;
  readonly config: string;
  readonly force?: boolean;
}

export class ConfigExistsError extends Failure {
  constructor(file: string) {
    super(
      'usage',
      'E_INIT_EXISTS',
      `${file} exists already`,
      'keep it, or replace it with --force, or choose another name with --config FILE',
    );
  }
}

/** `decant init FILE`: looks at the data and writes a configuration that runs. */
export async function initCommand(file: string, options: InitOptions): Promise<number> {
  const target = resolve(options.config);
  if (existsSync(target) && options.force !== true) throw new ConfigExistsError(options.config);
  const held =
    options.holdOut === undefined ? undefined : await holdOut(resolve(file), options.holdOut);
  const findings = await lookAt({
    file: held?.train ?? resolve(file),
    teacher: options.teacher && resolve(options.teacher),
    validation: options.validation && resolve(options.validation),
    test: held?.test ?? (options.test && resolve(options.test)),
  });
  const recipe = recipes.find(({ name }) => name === options.recipe) ?? suitableRecipe(findings);
  const text = draftConfig(findings, recipe, dirname(target));
  // Checked before it is written: what init leaves behind runs.
  graphOf(checkedConfig(target, text));
  await writeFileAtomic(target, text);
  // The first line of the file names it: editors complete and check with it.
  const schema = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
  await writeFileAtomic(join(dirname(target), 'decant.schema.json'), schema);
  process.stdout.write(`${summary(findings, recipe, options.config)}\n`);
  return 0;
}

function summary(findings: Findings, recipe: Recipe, config: string): string {
  const { roles, train, validation, test, teacher, texts, labels, notes } = findings;
  const rejects = train.reduce((sum, survey) => sum + survey.rejects, 0);
  const roleText = Object.entries(roles).map(([role, column]) => `${role} = ${column}`);
  const facts: [string, string][] = [
    ['columns', roleText.join(', ')],
    [
      'train',
      `${formatCount(findings.rows)} rows, ${formatCount(findings.labelled)} labelled, in ${train.map(({ path }) => here(path)).join(', ')}`,
    ],
    [
      'validation',
      validation === undefined
        ? 'a tenth of the labelled rows'
        : `${formatCount(validation.rows)} rows, ${formatCount(labelledIn(validation, roles))} labelled, in ${here(validation.path)}`,
    ],
    [
      'test',
      `${formatCount(test.rows)} rows, ${formatCount(labelledIn(test, roles))} labelled, in ${here(test.path)}`,
    ],
    [
      'labels',
      labels.size === 0
        ? 'none'
        : `${labels.size}, ${rangeOf(labels)} ${findings.task === undefined ? 'rows' : 'words'} each`,
    ],
    [
      'texts',
      `${formatCount(texts.duplicates)} duplicates, at most ${texts.longestCharacters} characters`,
    ],
    ['teacher', `${teacher.classes.classNames.length} classes, in ${here(teacher.path)}`],
    ['recipe', `${recipe.name}: ${recipe.description}`],
    ...(rejects === 0 ? [] : [['unreadable', `${formatCount(rejects)} lines`] as [string, string]]),
    ...notes.map((note): [string, string] => ['note', note]),
  ];
  const lines = facts.map(([name, fact]) => `${name.padEnd(10)} ${fact}`);
  const flag = config === 'decant.yaml' ? '' : ` --config ${config}`;
  return [
    ...lines,
    `\nwrote ${config}. Next:`,
    `  npx decant run --dry-run${flag}`,
    `  npx decant run${flag}`,
  ].join('\n');
}

function rangeOf(labels: ReadonlyMap<string, number>): string {
  const counts = [...labels.values()];
  return `${formatCount(Math.min(...counts))} to ${formatCount(Math.max(...counts))}`;
}

function here(path: string): string {
  return relative(process.cwd(), path) || '.';
}
