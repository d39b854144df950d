import { type SqlView, sqlString } from '#datasets/sql.ts';
import { hasTargets } from '#datasets/targets.ts';
import type { ValueTask } from '#datasets/task.ts';

/** Folders of the labels of each split. */
type LabelFolders = readonly {
  readonly split: string;
  readonly path: string;
  readonly folder: string;
}[];

/** The view `targets` of a corpus whose gold is numbers, and an empty view `labels`; undefined for classes. */
export function targetViews(labels: LabelFolders): SqlView[] | undefined {
  if (!labels.some(({ folder }) => hasTargets(folder))) return undefined;
  const paths = labels.map(({ folder }) => `${folder}/targets.parquet`);
  const selects = labels.map(
    ({ split }, index) =>
      `SELECT example_id, '${split}' AS split, targets FROM read_parquet(${sqlString(paths[index] ?? '')})`,
  );
  return [
    { name: 'targets', paths, select: selects.join(' UNION ALL ') },
    {
      name: 'labels',
      paths: [],
      select:
        'SELECT NULL::VARCHAR AS example_id, NULL::VARCHAR AS split, NULL::INTEGER AS label_id, NULL::VARCHAR AS label, NULL::FLOAT AS weight WHERE false',
    },
  ];
}

/** Columns of the teacher's answers where they are no distribution: what is not known is NULL. */
export function valueColumnsOf(task: ValueTask): string[] {
  const said = (logit: string) => (task === 'multi-label' ? `1 / (1 + exp(-${logit}))` : logit);
  const yes = 'list_filter(c.names, lambda n, i: t.targets[i] >= 0.5)';
  return [
    's.*',
    'list_transform(s.top_ids, lambda i: c.names[i + 1]) AS top_names',
    'c.names[s.top_ids[1] + 1] AS top_label',
    `list_transform(s.top_logits, lambda z: ${said('z')}) AS top_probs`,
    `${task === 'multi-label' ? said('s.top_logits[1]') : 'NULL::DOUBLE'} AS confidence`,
    'NULL::DOUBLE AS margin',
    '1::FLOAT AS kept_mass',
    ...(task === 'regression' ? ['NULL::FLOAT AS entropy_nats'] : []),
    't.targets AS gold_targets',
    task === 'multi-label'
      ? `CASE WHEN t.targets IS NOT NULL THEN array_to_string(${yes}, ', ') END AS gold_label`
      : "array_to_string(t.targets, ', ') AS gold_label",
    'NULL::DOUBLE AS gold_log_prob',
    'NULL::BOOLEAN AS gold_kept',
  ];
}

/** What those columns are joined with. */
export const TARGETS_JOIN = 'LEFT JOIN targets t USING (example_id, split)';
