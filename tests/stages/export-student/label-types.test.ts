import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { labelTypes } from '#stages/export-student/label-types.ts';
import { repository } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const CLASSES = ['card_arrival', `it's "quoted" \\ back`, 'a\nb\u2028c', 'naïve 🙂', '*/ ${x} `'];

test('the compiler checks a switch over the labels of a student, whatever they are called', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'labels.d.ts'), labelTypes(CLASSES));
  writeFileSync(join(folder, 'whole.ts'), switchOver(CLASSES));
  writeFileSync(join(folder, 'short.ts'), switchOver(CLASSES.slice(1)));
  writeFileSync(join(folder, 'wrong.ts'), switchOver([...CLASSES, 'no_label']));
  const problems = await typeErrors(folder, ['whole.ts', 'short.ts', 'wrong.ts']);
  assert.deepEqual(
    problems.filter((line) => line.startsWith('whole.ts')),
    [],
  );
  assert.match(problems.join('\n'), /short\.ts.*"card_arrival"' does not satisfy.* 'never'/);
  assert.match(problems.join('\n'), /wrong\.ts.*'"no_label"' is not comparable/);
});

function switchOver(labels: readonly string[]): string {
  const cases = labels.map((label, index) => `case ${JSON.stringify(label)}: return ${index};`);
  return `import type { Label } from './labels.js';
export function route(label: Label): number {
  switch (label) { ${cases.join('\n')} default: return label satisfies never; }
}
`;
}

async function typeErrors(folder: string, files: readonly string[]): Promise<string[]> {
  const tsc = join(repository, 'node_modules', '.bin', 'tsc');
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--pretty', 'false'];
  try {
    await promisify(execFile)(tsc, [...flags, ...files], { cwd: folder });
    return [];
  } catch (error) {
    return (error as { stdout: string }).stdout.split('\n');
  }
}
