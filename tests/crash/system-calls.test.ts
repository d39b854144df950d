import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { succeed } from '#tests/support/cli-result.ts';
import { countCalls, isQuick, runInjected, spread, withoutStrace } from '#tests/support/crash.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';
import { smallMount } from '#tests/support/small-mount.ts';
import { smallProject } from '#tests/support/small-project.ts';
import { storeSnapshot } from '#tests/support/store-snapshot.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

/** Calls that a kill may fall on, and how many points of each are tried. */
const KILLED_AT = isQuick
  ? [
      { call: 'write', points: 1 },
      { call: 'fsync', points: 2 },
      { call: 'rename', points: 2 },
    ]
  : [
      { call: 'write', points: 8 },
      { call: 'writev', points: 8 },
      { call: 'pwrite64', points: 8 },
      { call: 'fsync', points: 12 },
      { call: 'rename', points: 12 },
      { call: 'unlink', points: 4 },
      { call: 'mkdir', points: 4 },
    ];

const FAILING = [
  { call: 'fsync', what: 'error=EIO' },
  { call: 'fsync', what: 'error=ENOSPC' },
  { call: 'rename', what: 'error=EIO' },
  { call: 'mkdir', what: 'error=ENOSPC' },
].slice(0, isQuick ? 1 : undefined);

const SCENES = [
  { name: 'soft-label runs', run: ['--to', 'soft-label'], earlier: 'prepare' },
  { name: 'prepare is made anew', run: ['prepare', '--force', 'prepare'], earlier: 'prepare' },
  { name: 'prepare runs', run: ['--to', 'prepare'], earlier: undefined },
].slice(0, isQuick ? 2 : undefined);

describe('a store', { skip: withoutStrace() }, () => {
  let project: MiniProject;
  const folders = temporaryFolder('decant crash');
  let stores = 0;

  before(() => {
    project = smallProject();
  });

  // Each stage starts from a store in which the stages before it are sealed.
  for (const { name, run, earlier } of SCENES) {
    describe(`while ${name}`, () => {
      const args = (store: string) => ['run', ...run, '--store', store];
      let start: string | undefined;
      let undisturbed: Record<string, string>;
      let counts: Map<string, number>;

      const newStore = (): string => {
        const store = join(folders, `${++stores}`);
        if (start !== undefined) cpSync(start, store, { recursive: true });
        return store;
      };

      before(async () => {
        if (earlier !== undefined) {
          const store = newStore();
          await succeed(project, 'run', '--to', earlier, '--store', store);
          start = store;
        }
        const store = newStore();
        counts = await countCalls(args(store), project.folder, [
          ...new Set([...KILLED_AT, ...FAILING].map(({ call }) => call)),
        ]);
        undisturbed = storeSnapshot(store);
      });

      /** Runs with one injection, looks at what is left, and runs again. */
      async function survives(call: string, what: string, when: number): Promise<number | null> {
        const store = newStore();
        const ending = await runInjected(args(store), project.folder, { call, what, when });
        const where = `${call} ${when} of ${counts.get(call)}`;
        assert.doesNotThrow(() => storeSnapshot(store), where);
        assert.doesNotMatch(ending.stderr, /E_INTERNAL|^ +at /m, where);
        await succeed(project, ...args(store));
        assert.deepEqual(storeSnapshot(store), undisturbed, where);
        return ending.code;
      }

      for (const { call, points } of KILLED_AT) {
        test(`is whole after a kill at any ${call}`, async () => {
          const codes: (number | null)[] = [];
          for (const when of spread(counts.get(call) ?? 0, points)) {
            codes.push(await survives(call, 'signal=SIGKILL', when));
          }
          // Others may be made by tools that the run starts, whose end it survives.
          if (call === 'fsync' || call === 'rename') assert.ok(codes.some((code) => code !== 0));
        });
      }

      for (const { call, what } of FAILING) {
        test(`is whole after ${call} fails with ${what}`, async () => {
          for (const when of spread(counts.get(call) ?? 0, isQuick ? 1 : 4)) {
            const code = await survives(call, what, when);
            // 0: what failed was a memory that only makes the next run slower.
            assert.ok(code === 75 || code === 0, `${call} ${when} ended with ${code}`);
          }
        });
      }
    });
  }

  test('is whole after the disk was full at any size', async (t) => {
    const reference = temporaryFolder();
    await succeed(project, 'run', '--to', 'soft-label', '--store', reference);
    const undisturbed = storeSnapshot(reference);
    for (const kilobytes of isQuick ? [96] : [16, 32, 64, 96, 112, 128, 144, 160, 176, 192, 256]) {
      const mount = smallMount(t, `size=${kilobytes}k`);
      if (mount === undefined) return;
      const args = ['run', '--to', 'soft-label', '--store', mount.folder];
      const { code, stderr } = await project.decant(...args);
      assert.ok(code === 75 || code === 0, `${kilobytes} kB: ${stderr}`);
      assert.doesNotThrow(() => storeSnapshot(mount.folder), `${kilobytes} kB`);
      mount.remount('size=64m');
      await succeed(project, ...args);
      assert.deepEqual(storeSnapshot(mount.folder), undisturbed, `${kilobytes} kB`);
    }
  });
});
