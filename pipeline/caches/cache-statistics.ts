import { z } from 'zod';
import { type SqlSession, type SqlView, sqlString, withSql } from '#datasets/sql.ts';
import { allRows } from '#pipeline/display/answer-formats.ts';
import type { Bin } from '#pipeline/display/text-histogram.ts';

/** Distributions over the rows of a cache. */
export interface CacheStatistics {
  readonly splits: readonly SplitStatistics[];
  readonly histograms: readonly { readonly name: string; readonly bins: readonly Bin[] }[];
  /** The classes in which teacher and gold disagree most come first. */
  readonly classes: readonly ClassStatistics[];
}

/** Asks the views; `split` narrows to one split. */
export async function cacheStatistics(
  views: readonly SqlView[],
  split: string | undefined,
): Promise<CacheStatistics> {
  const where = split === undefined ? '' : `WHERE split = ${sqlString(split)}`;
  const rows = `(SELECT *, top_label = gold_label AS agrees FROM soft_labels ${where})`;
  return withSql(views, async (session) => {
    const classCount = await numberOf(session, 'SELECT count(*) FROM classes');
    const histograms = [];
    for (const [name, edges] of edgesFor(classCount)) {
      histograms.push({ name, bins: await binsOf(session, rows, name, edges) });
    }
    return {
      splits: await objects(session, splitQuery(rows), splitSchema),
      histograms,
      classes: await objects(session, classQuery(rows), classSchema),
    };
  });
}

function edgesFor(classCount: number): readonly (readonly [name: string, edges: number[]])[] {
  const even = (to: number) => Array.from({ length: 11 }, (_, edge) => (to * edge) / 10);
  return [
    ['entropy_nats', even(Math.log(classCount))],
    ['confidence', even(1)],
    ['margin', even(1)],
    // Nearly all rows lie close to 1, and how close is what tells whether k is large enough.
    ['kept_mass', [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 1]],
  ];
}

async function binsOf(
  session: SqlSession,
  rows: string,
  column: string,
  edges: readonly number[],
): Promise<Bin[]> {
  const cases = edges.slice(1, -1).map((edge, bin) => `WHEN ${column} < ${edge} THEN ${bin}`);
  const bin = `CASE ${cases.join(' ')} ELSE ${edges.length - 2} END`;
  const query = `SELECT ${bin} AS bin, count(*) AS rows, avg(agrees::INT) AS agreement FROM ${rows} WHERE ${column} IS NOT NULL GROUP BY 1`;
  const found = await objects(session, query, binSchema);
  return edges.slice(1).map((to, index) => {
    const { rows: count = 0, agreement = null } = found.find((one) => one.bin === index) ?? {};
    return { from: edges[index] ?? 0, to, rows: count, agreement };
  });
}

const FIGURES =
  'avg(confidence) AS confidence, avg(entropy_nats) AS entropyNats, avg(kept_mass) AS keptMass';

function splitQuery(rows: string): string {
  return `
    SELECT split, count(*) AS rows, count(gold_label) AS labelled, avg(agrees::INT) AS agreement,
           avg(margin) AS margin, ${FIGURES}, avg(gold_kept::INT) AS goldKept
    FROM ${rows} GROUP BY split
    ORDER BY list_position(['train', 'validation', 'test'], split)`;
}

function classQuery(rows: string): string {
  return `
    WITH gold AS (
      SELECT gold_label AS name, count(*) AS labelled, avg(agrees::INT) AS agreement,
             mode(top_label) FILTER (NOT agrees) AS takenFor
      FROM ${rows} WHERE gold_label IS NOT NULL GROUP BY 1),
    said AS (SELECT top_label AS name, count(*) AS rows, ${FIGURES} FROM ${rows} GROUP BY 1)
    SELECT class_name AS name, coalesce(rows, 0) AS rows, coalesce(labelled, 0) AS labelled,
           agreement, takenFor, confidence, entropyNats, keptMass
    FROM classes LEFT JOIN gold ON gold.name = class_name LEFT JOIN said ON said.name = class_name
    ORDER BY agreement ASC NULLS LAST, class_id`;
}

async function objects<Schema extends z.ZodType>(
  session: SqlSession,
  query: string,
  schema: Schema,
): Promise<z.infer<Schema>[]> {
  const answer = await session.query(query);
  const names = answer.columns.map(({ name }) => name);
  return (await allRows(answer)).map((row) =>
    schema.parse(Object.fromEntries(names.map((name, index) => [name, row[index]]))),
  );
}

async function numberOf(session: SqlSession, query: string): Promise<number> {
  const [row] = await allRows(await session.query(query));
  return z.number().parse(row?.[0]);
}

const share = z.number().nullable();

const binSchema = z.object({ bin: z.number(), rows: z.number(), agreement: share });

const splitSchema = z.object({
  split: z.string(),
  rows: z.number(),
  /** Rows with a gold label. */
  labelled: z.number(),
  /** Share of them whose best class is gold. */
  agreement: share,
  confidence: share,
  margin: share,
  entropyNats: share,
  keptMass: share,
  /** Share of the labelled rows whose gold class is among those kept. */
  goldKept: share,
});

const classSchema = z.object({
  name: z.string(),
  /** Rows that the teacher puts into the class. */
  rows: z.number(),
  /** Rows with the class as gold label. */
  labelled: z.number(),
  agreement: share,
  /** The class that the teacher gives most often where it disagrees with gold. */
  takenFor: z.string().nullable(),
  /** Means over `rows`. */
  confidence: share,
  entropyNats: share,
  keptMass: share,
});

type SplitStatistics = z.infer<typeof splitSchema>;
type ClassStatistics = z.infer<typeof classSchema>;
