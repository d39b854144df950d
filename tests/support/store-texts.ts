import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openParquet } from '#datasets/parquet/reader.ts';

/** Everything in a folder that can be read as text: bytes of all files, and the decoded texts of Parquet. */
export async function storeTexts(folder: string): Promise<Map<string, string>> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const texts = new Map<string, string>();
  for (const path of paths) {
    const decoded = path.endsWith('.parquet') ? await parquetTexts(path) : '';
    texts.set(path.slice(folder.length + 1), readFileSync(path, 'utf8') + decoded);
  }
  return texts;
}

/** Files of a folder that hold any of these needles, each with the first one found. */
export async function filesHolding(
  folder: string,
  needles: readonly string[],
): Promise<readonly (readonly [path: string, needle: string])[]> {
  return [...(await storeTexts(folder))].flatMap(([path, text]) => {
    const needle = needles.find((one) => text.includes(one));
    return needle === undefined ? [] : [[path, needle] as const];
  });
}

async function parquetTexts(path: string): Promise<string> {
  const file = await openParquet(path);
  try {
    const names = file.columns.filter(({ type }) => type === 'utf8').map(({ name }) => name);
    const values: (string | null)[] = [];
    for (let index = 0; index < file.rowGroupCount; index++) {
      const group = await file.readRowGroup(index, names);
      values.push(...names.flatMap((name) => group.utf8(name)));
    }
    return values.join('\n');
  } finally {
    await file.close();
  }
}
