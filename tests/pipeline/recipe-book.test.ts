import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { decantConfigSchema } from '#pipeline/config/config-schema.ts';
import { repository } from '#tests/support/paths.ts';

for (const file of ['README.md', 'RECIPES.md']) {
  test(`every decant.yaml of ${file} is one that decant accepts`, () => {
    const text = readFileSync(join(repository, file), 'utf8');
    const blocks = [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml = '']) => yaml);
    assert.ok(blocks.length > 0);
    for (const yaml of blocks) {
      const read = decantConfigSchema.safeParse(parse(yaml));
      assert.ok(read.success, `${yaml}\n${read.error && z.prettifyError(read.error)}`);
    }
  });
}
