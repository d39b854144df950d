import { writeAnswer } from '#pipeline/answer-formats.ts';
import { VIEW_DESCRIPTIONS } from '#pipeline/cache-views.ts';
import type { AnswerFormat } from '#pipeline/format-names.ts';
import { openProject, type ProjectOptions } from '#pipeline/project.ts';
import { viewsOf } from '#pipeline/soft-label-caches.ts';
import { explainedNames } from '#pipeline/text-table.ts';

export interface CacheSqlOptions extends ProjectOptions {
  readonly format: AnswerFormat;
  readonly output?: string;
  readonly spreadsheetSafe: boolean;
  readonly teacher?: string;
}

/** `decant cache sql`: one SELECT over the views of the fresh artifacts. */
export async function cacheSqlCommand(
  query: string | undefined,
  options: CacheSqlOptions,
): Promise<number> {
  const views = await viewsOf(openProject(options), options.teacher);
  if (query === undefined) {
    const described = views.map(
      ({ name }) => [name, VIEW_DESCRIPTIONS[name] ?? 'the same of a further teacher'] as const,
    );
    process.stdout.write(`${explainedNames(described)}\n`);
    return 0;
  }
  await writeAnswer(views, query, options);
  return 0;
}
