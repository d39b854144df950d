import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { succeed } from '#tests/support/cli-result.ts';
import { lastRun } from '#tests/support/last-run.ts';
import { miniConfig } from '#tests/support/mini-project.ts';
import { smallConfig, smallProject } from '#tests/support/small-project.ts';

const project = smallProject();
const VIEWS = 'soft-label:teacher.views';

function configure(settings: Readonly<Record<string, unknown>>): void {
  const teacher = { model: 'teacher', maxLength: 10, longTexts: 'windows' };
  const config = { ...miniConfig, ...smallConfig, teacher, ...settings };
  writeFileSync(project.path('decant.yaml'), stringify(config));
}

/** Rows that met the teacher in the last run, by instance that was made. */
function asked(): Record<string, number> {
  const stages = Object.entries(lastRun(project).stages);
  return Object.fromEntries(
    stages.flatMap(([name, { status, result }]) =>
      status === 'fresh' || !name.startsWith('soft-label')
        ? []
        : [[name, result?.counts['teacherRows'] ?? 0]],
    ),
  );
}

async function sql<Row>(query: string): Promise<Row[]> {
  return JSON.parse(await succeed(project, 'cache', 'sql', '--format', 'json', query)) as Row[];
}

describe('long texts in windows, and views of train rows', () => {
  before(async () => {
    configure({ augmentations: [{ dropWords: 0.1 }] });
    await succeed(project, 'run', '--quiet');
  });

  test('every window is a row of the cache, and the figures count each text once', async () => {
    const [counts] = await sql<{ windows: number; texts: number; most: number }>(
      "SELECT count(*) AS windows, count(DISTINCT example_id) AS texts, max(position) + 1 AS most FROM soft_labels WHERE split = 'test'",
    );
    assert.ok(counts !== undefined && counts.windows > counts.texts && counts.most > 1);
    const { models } = JSON.parse(await succeed(project, 'run', '--json', '--quiet')) as {
      models: { name: string; metrics: { accuracy: number; rows: number } }[];
    };
    const teacher = models.find(({ name }) => name === 'teacher');
    assert.equal(teacher?.metrics.rows, counts.texts);
    assert.ok((teacher?.metrics.accuracy ?? 0) > 0.5);
    assert.match(await succeed(project, 'cache', 'info'), /a row a window/);
    assert.deepEqual(asked(), {});
  });

  test('views have a cache of their own, which the students learn from', async () => {
    const rows = await sql<{ views: number }>(
      'SELECT count(DISTINCT example_id) AS views FROM soft_labels_teacher_views',
    );
    assert.ok((rows[0]?.views ?? 0) > 50);
    assert.match(await succeed(project, 'cache', 'ls'), /teacher\.views/);
    const check = ['--against-teacher', '--sample', '20%'];
    await succeed(project, 'cache', 'verify', '--teacher', 'teacher.views', ...check);
    configure({
      augmentations: [{ dropWords: 0.1 }, { swapWords: 0.1 }],
      variants: { distilled: { views: false }, viewed: {} },
    });
    const said = await succeed(project, 'estimate', '--seconds', '0.2', '--json');
    const estimate = JSON.parse(said) as { teacherRows: number };
    await succeed(project, 'run', '--to', 'train-student', '--quiet');
    const { [VIEWS]: added = 0, ...others } = asked();
    assert.deepEqual(others, {});
    assert.ok(added > 0);
    assert.equal(estimate.teacherRows, added);
    const { stages } = lastRun(project);
    const learned = (name: string) => stages[name]?.result?.counts['transferRows'] ?? 0;
    assert.ok(learned('train-student:viewed') > 2 * learned('train-student:distilled'));
  });

  test('views of a forgotten row go with it, and nothing else is asked again', async () => {
    const [row] = await sql<{ example_id: string; source_id: string }>(
      "SELECT example_id, source_id FROM examples WHERE split = 'train' LIMIT 1",
    );
    const where = `example_id = '${row?.example_id}'`;
    const count = async () =>
      (
        await sql<{ n: number }>(
          'SELECT count(DISTINCT example_id) AS n FROM soft_labels_teacher_views',
        )
      )[0]?.n ?? 0;
    const before = await count();
    const said = await succeed(project, 'forget', '--where', where);
    const views = Number(/1 train, (\d+) view rows/.exec(said)?.[1]);
    assert.ok(views >= 1 && views <= 2, said);
    await succeed(project, 'run', '--to', 'soft-label', '--quiet');
    assert.deepEqual(
      Object.values(asked()).filter((rows) => rows > 0),
      [],
    );
    assert.equal(await count(), before - views);
  });
});
