import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { succeed } from '#tests/support/cli-result.ts';
import { lastRun } from '#tests/support/last-run.ts';
import { smallProject } from '#tests/support/small-project.ts';

/** Settings of each form, and what `ls` calls it. */
const forms = [
  { name: 'dense', set: ['soft-label.keep=all'] },
  { name: 'top 3', set: [] },
  { name: 'top 3, compact', set: ['soft-label.precision=compact'] },
  { name: 'top 3, small', set: ['soft-label.precision=small'] },
  {
    name: '20 draws',
    set: ['soft-label.keep=sampled', 'soft-label.samples=20', 'soft-label.temperatures=[1]'],
  },
];

const project = smallProject();
const cache = (set: readonly string[], command: string, ...args: readonly string[]) =>
  succeed(project, 'cache', command, ...args, ...set.flatMap((one) => ['--set', one]));

before(async () => {
  await succeed(project, 'run', '--quiet', '--to', 'soft-label', '--set', 'soft-label.keep=all');
  assert.equal(lastRun(project).stages['soft-label']?.result?.counts['teacherRows'], 172);
});

for (const { name, set } of forms) {
  describe(`a cache of the form ${name}`, () => {
    test('is made of the dense one without the teacher', async () => {
      await succeed(
        project,
        'run',
        '--quiet',
        '--to',
        'soft-label',
        ...set.flatMap((one) => ['--set', one]),
      );
      const { status, result } = lastRun(project).stages['soft-label'] ?? {};
      assert.ok(status === 'fresh' || result?.counts['teacherRows'] === 0);
    });

    test('is listed, shown, counted and exported', async () => {
      assert.match(await cache(set, 'ls'), new RegExp(` fresh +172 +${name}  `));
      assert.match(await cache(set, 'info'), new RegExp(name.split(',')[0] ?? ''));
      const head = await cache(set, 'head', '--rows', '2');
      assert.match(head, /card_arrival [01]\.\d{3}/);
      assert.doesNotMatch(head, /NaN|undefined|null/);
      const stats = JSON.parse(await cache(set, 'stats', '--json')) as {
        splits: { agreement: number }[];
      };
      assert.ok(stats.splits.every(({ agreement }) => agreement > 0.5));
      assert.doesNotMatch(await cache(set, 'stats'), /NaN|undefined/);
      const lines = (await cache(set, 'export', '--format', 'jsonl')).trimEnd().split('\n');
      assert.equal(lines.length, 172);
    });

    test('is whole, and what the teacher of today says', async () => {
      const args = ['--against-teacher', '--sample', '30%', '--json'];
      const { teacher } = JSON.parse(await cache(set, 'verify', ...args)) as {
        teacher: { top1Differences: number; maxDp: number; rounding: number };
      };
      assert.equal(teacher.top1Differences, 0);
      assert.ok(teacher.maxDp <= teacher.rounding + 1e-5, `${teacher.maxDp}`);
    });
  });
}
