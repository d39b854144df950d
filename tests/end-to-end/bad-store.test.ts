import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import { smallMount } from '#tests/support/small-mount.ts';
import { smallProject } from '#tests/support/small-project.ts';
import { storeSnapshot } from '#tests/support/store-snapshot.ts';

const toSoftLabel = ['run', '--to', 'soft-label'] as const;

describe('a store', () => {
  test('that is read-only is refused, and works when it is writable', async (t) => {
    const mount = smallMount(t, 'size=64m');
    if (mount === undefined) return;
    const project = smallProject();
    const args = ['run', '--to', 'prepare', '--store', mount.folder];
    await succeed(project, ...args);
    mount.remount('ro');
    assertRefused(
      await project.decant('run', '--to', 'soft-label', '--store', mount.folder),
      2,
      /EROFS: read-only file system/,
      /E_NOT_WRITABLE: make it writable, or choose another store/,
    );
    await succeed(project, 'status', '--store', mount.folder);
    mount.remount('rw');
    const { stderr } = await project.decant(...toSoftLabel, '--store', mount.folder);
    assert.match(stderr, /prepare +fresh/);
  });

  for (const limit of ['size=48k', 'size=224k', 'nr_inodes=12']) {
    test(`with ${limit} gets full, keeps what is finished, and goes on when there is room`, async (t) => {
      const mount = smallMount(t, limit);
      if (mount === undefined) return;
      const project = smallProject();
      const args = ['run', '--to', 'train-student', '--store', mount.folder];
      assertRefused(
        await project.decant(...args),
        75,
        /ENOSPC|no space left/i,
        /E_DISK_FULL: free some space .*run the same command again/,
      );
      const finished = storeSnapshot(mount.folder);
      mount.remount('size=64m,nr_inodes=0');
      await succeed(project, ...args);
      const whole = storeSnapshot(mount.folder);
      assert.deepEqual({ ...whole, ...finished }, whole);
    });
  }

  test('with a truncated shard ends with 5 and says how to mend it', async () => {
    const project = smallProject();
    await succeed(project, ...toSoftLabel);
    const shard = Object.keys(storeSnapshot(project.path('.decant'))).find((path) =>
      path.endsWith('rows/train/part-00001.parquet'),
    );
    assert.ok(shard);
    truncateSync(project.path('.decant', shard), 100);
    for (const command of [['run'], ['status'], ['cache', 'sql', 'select 1']]) {
      const result = await project.decant(...command);
      assertRefused(
        result,
        5,
        /part-00001\.parquet: has 100 bytes, not \d+/,
        /remove .* and run again/,
      );
    }
    const { stderr } = await project.decant('run');
    const folder = /remove (.+) and run again/.exec(stderr)?.[1] ?? '';
    assert.ok(existsSync(`${folder}/manifest.json`), folder);
    // What to remove can also be put away.
    renameSync(folder, project.path('broken'));
    await succeed(project, ...toSoftLabel);
  });

  test('whose manifest is of another version is refused', async () => {
    const project = smallProject();
    await succeed(project, 'run', '--to', 'prepare');
    const [path = ''] = Object.keys(storeSnapshot(project.path('.decant')));
    const manifest = project.path(
      '.decant',
      path.split('/').slice(0, 3).join('/'),
      'manifest.json',
    );
    writeFileSync(
      manifest,
      readFileSync(manifest, 'utf8').replace('"schemaVersion": 1', '"schemaVersion": 2'),
    );
    assertRefused(
      await project.decant('run'),
      5,
      /manifest\.json: schemaVersion 2/,
      /remove .* and run again/,
    );
  });
});
