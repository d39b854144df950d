import { VIEW_DESCRIPTIONS } from '#pipeline/caches/cache-views.ts';
import { viewsOf } from '#pipeline/caches/soft-label-caches.ts';
import { writeAnswer } from '#pipeline/display/answer-formats.ts';
import type { AnswerFormat } from '#pipeline/display/format-names.ts';
import { explainedNames } from '#pipeline/display/text-table.ts';
import { openProject, type ProjectOptions } from '#pipeline/project.ts';

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
