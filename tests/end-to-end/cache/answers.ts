import { succeed } from '#tests/support/cli-result.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Rows of the small project, whose cache the parts of cache.test.ts look into: it is run once for all of them. */
export const COUNTS = { rowsOfSplit: { train: 100, validation: 36, test: 36 }, allRows: 172 };

/** What `decant cache ... --json` says. */
export async function json(project: MiniProject, ...args: readonly string[]): Promise<Json> {
  return JSON.parse(await succeed(project, 'cache', ...args, '--json')) as Json;
}

/** Rows of an answer of `decant cache sql`. */
export async function sql(project: MiniProject, query: string): Promise<Json[]> {
  return JSON.parse(await succeed(project, 'cache', 'sql', '--format', 'json', query)) as Json[];
}
