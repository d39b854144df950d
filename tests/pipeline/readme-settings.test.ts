import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { configJsonSchema } from '#pipeline/config/config.ts';
import { softLabelConfig } from '#stages/soft-label/settings.ts';
import { trainStudentConfig } from '#stages/train-student/settings.ts';
import { repository } from '#tests/support/paths.ts';

interface Schema {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
}

const readme = join(repository, 'README.md');
const [START, END] = ['<!-- settings -->\n', '<!-- end of settings -->'];

/** Defaults that a stage fills in, so that they do not stand in the schema of decant.yaml. */
const ofStage: Readonly<Record<string, Schema>> = {
  'soft-label': toSchema(softLabelConfig),
  student: toSchema(trainStudentConfig),
};

test('the settings table of the README is what the schemas say; UPDATE_GOLDEN=1 renews it', () => {
  const text = readFileSync(readme, 'utf8');
  const [before = '', rest = ''] = text.split(START);
  const [table = '', after = ''] = rest.split(END);
  const expected = `\n${settingsTable()}\n\n`;
  if (process.env['UPDATE_GOLDEN'] === '1') {
    writeFileSync(readme, `${before}${START}${expected}${END}${after}`);
    return;
  }
  assert.equal(table, expected);
});

function settingsTable(): string {
  const rows = rowsOf(configJsonSchema() as Schema, '').filter(([path]) => isListed(path));
  const lines = rows.map(([path, ...cells]) => `| \`${path}\` | ${cells.join(' | ')} |`);
  return ['| setting | default | meaning |', '|---|---|---|', ...lines].join('\n');
}

/** A variant may say everything that `student` says; only what is its own is listed again. */
function isListed(path: string): boolean {
  const [section, , key = ''] = path.split('.');
  return section !== 'variants' || !Object.hasOwn(ofStage['student']?.properties ?? {}, key);
}

function rowsOf(schema: Schema, path: string): [string, string, string][] {
  const nested = Object.entries(schema.properties ?? {});
  const perName =
    typeof schema.additionalProperties === 'object'
      ? [['*', schema.additionalProperties] as const]
      : [];
  const children = [...nested, ...perName];
  if (children.length > 0 && path !== AS_CORPUS)
    return children.flatMap(([key, child]) => rowsOf(child, path === '' ? key : `${path}.${key}`));
  const [section = '', key = ''] = path.split('.');
  const fallback = schema.default ?? ofStage[section]?.properties?.[key]?.default;
  const shown = fallback === undefined ? '' : `\`${JSON.stringify(fallback)}\``;
  return [[path, shown, (schema.description ?? '').replaceAll('|', '\\|')]];
}

/** It may say everything that `corpus` says. */
const AS_CORPUS = 'heads.*.corpus';

function toSchema(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: 'input' }) as Schema;
}
