import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { repository } from '#tests/support/paths.ts';
import { runPython } from '#tests/support/python.ts';
import { SAMPLE_KINDS } from '#tests/support/soft-label-sample.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { type ExpectedTable, tableAdder } from './expected-table.ts';
import { addRowTables } from './row-tables.ts';
import { addSoftLabels } from './soft-label-tables.ts';

describe('what we write, others read', () => {
  const root = temporaryFolder('decant tables');
  const tables: ExpectedTable[] = [];
  before(async () => {
    const add = tableAdder(root, tables);
    for (const kind of SAMPLE_KINDS) {
      for (const codec of ['none', 'snappy', 'zstd'] as const)
        await addSoftLabels(add, kind, codec);
    }
    await addRowTables(add);
  });

  for (const reader of ['pyarrow', 'polars', 'duckdb', 'pandas']) {
    test(`${reader} finds every row, type, null and bit, and the footer where it shows one`, async () => {
      const found = await runPython('interop/read_tables.py', reader, root);
      const values = tables.flatMap((table) => Object.values(table.values));
      assert.deepEqual(found, { tables: tables.length, values: values.flat().length });
    });
  }

  test('datasets/README.md names every column with its type', () => {
    const sections = readFileSync(join(repository, 'datasets', 'README.md'), 'utf8').split('\n## ');
    for (const { types, footer } of tables) {
      const title = `\`${footer['decant.format']}\``;
      const section = sections.find((text) => text.split('\n')[0]?.includes(title)) ?? '';
      for (const [name, type] of Object.entries(types)) {
        const documented = name.replace(/_t[\d_]+$/, '_t1').replace(/^hidden_.*/, 'hidden_');
        assert.match(section, new RegExp(`^\\| ${documented}\\b.*\\| ${type}`, 'm'));
      }
    }
  });
});
