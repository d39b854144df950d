import { relative } from 'node:path';
import { formatCount } from '#pipeline/observers/progress.ts';
import { softLabelConfig } from '#stages/soft-label/settings.ts';
import type { Findings } from './findings.ts';
import type { Recipe } from './recipes.ts';
import { yamlFlow, yamlScalar } from './yaml-scalar.ts';

/** decant.yaml for what was found, with the reasons above each section. `folder` is where it will lie. */
export function draftConfig(findings: Findings, recipe: Recipe, folder: string): string {
  const path = (file: string) => relative(folder, file).replaceAll('\\', '/') || '.';
  return [
    `# yaml-language-server: $schema=./decant.schema.json
# Written by \`decant init\`, recipe ${recipe.name}: ${recipe.description}.
# \`npx decant run\` runs it, \`npx decant config schema\` prints every setting with its meaning.`,
    ...(findings.task === undefined ? [] : [`# A label a word.\ntask: ${findings.task}`]),
    corpusSection(findings, path),
    teacherSection(findings, path),
    softLabelSection(findings.teacher.classes.classNames.length),
    `# The student: what all variants share. Longer training is the first thing to try.
student: { architecture: modernbert, hiddenSize: 128, steps: 1500 }`,
    recipe.sections.trimEnd(),
    `# texts: none keeps your texts out of the report, so that it can be sent around.
report: { title: ${yamlScalar(titleOf(findings, path))}, texts: none }`,
  ]
    .join('\n\n')
    .concat('\n');
}

function corpusSection(findings: Findings, path: (file: string) => string): string {
  const { roles, train, validation, test, rows, labelled, texts } = findings;
  const share = rows === 0 ? 0 : Math.round((100 * (rows - labelled)) / rows);
  const files = train.map((survey) => path(survey.path));
  const columns = Object.entries(roles).filter(([role, column]) => role !== column);
  const lines = [
    `# ${formatCount(rows)} rows to learn from, ${share} % of them without a label; those take part in the soft loss only.`,
    `# ${formatCount(texts.duplicates)} rows repeat a text: prepare merges them and keeps their number as weight.`,
    'corpus:',
    `  train: ${files.length === 1 ? yamlScalar(files[0] ?? '') : yamlFlow(files)}`,
    validation === undefined
      ? '  # No validation file: every tenth labelled row, chosen by its content, so growth moves no row.\n  validation: { fraction: 0.1 }'
      : `  validation: ${yamlScalar(path(validation.path))} # to choose by`,
    `  test: ${yamlScalar(path(test.path))} # to measure with; nothing learns from it`,
  ];
  if (columns.length > 0) {
    const pairs = columns.map(([role, column]) => `${role}: ${yamlScalar(column)}`);
    lines.push(`  columns: { ${pairs.join(', ')} }`);
  }
  lines.push('  # license: CC BY 4.0   goes into manifest, card and report');
  return lines.join('\n');
}

function teacherSection({ teacher }: Findings, path: (file: string) => string): string {
  const { classes, longestTokens, maxLength, license } = teacher;
  const known =
    license === undefined
      ? '# license: Apache-2.0   goes into manifest, card and report'
      : `license: ${yamlScalar(license.name)} # as its ${license.file} says; goes into manifest, card and report`;
  return `# ${formatCount(classes.classNames.length)} classes. The longest of the sampled texts has ${longestTokens} tokens; longer ones than maxLength
# are cut, counted and told.
teacher:
  model: ${yamlScalar(path(teacher.path))}
  maxLength: ${maxLength}
  ${known}`;
}

/** All logits where that is not larger than the best k with their mass at each temperature. */
function softLabelSection(classCount: number): string {
  const { topK, temperatures } = softLabelConfig.parse({});
  const denseBytes = FLOAT_BYTES * classCount;
  const topKBytes = (FLOAT_BYTES + ID_BYTES) * topK + FLOAT_BYTES * temperatures.length;
  if (classCount <= topK || denseBytes <= topKBytes) {
    return `# Few classes: all ${classCount} logits take ${denseBytes} bytes a row, less than a top ${topK} with its tail, and serve
# every temperature.
soft-label: { keep: all }`;
  }
  return `# The best ${topK} of ${classCount} classes and the exact mass of the rest at these temperatures: ${topKBytes} bytes a row
# instead of ${denseBytes}. A student may use no other temperature.
soft-label: { topK: ${topK}, temperatures: [${temperatures.join(', ')}] }`;
}

function titleOf({ train }: Findings, path: (file: string) => string): string {
  return `Students of ${path(train[0]?.path ?? '')}`;
}

const FLOAT_BYTES = 4;
const ID_BYTES = 4;
