import assert from 'node:assert/strict';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { findArtifact } from '#cache/artifact-store.ts';
import { lockStore } from '#cache/lock.ts';
import { readManifest } from '#cache/manifest.ts';
import { planRepair, turnIntoPartial } from '#pipeline/caches/repair-cache.ts';
import { findCacheFolder } from '#pipeline/caches/soft-label-caches.ts';
import { verifyCache } from '#pipeline/caches/verify-cache.ts';
import type { RunRecord } from '#pipeline/history/run-record.ts';
import { openProject } from '#pipeline/project.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import { smallProject } from '#tests/support/small-project.ts';
import { cacheFolderOf, copiedStore, flipBit, forgeRows } from '#tests/support/soft-label-cache.ts';
import { storeSnapshot } from '#tests/support/store-snapshot.ts';

// 100 + 36 + 36 rows in files of 16.
const project = smallProject();
const allRows = 172;

before(async () => {
  await succeed(project, 'run', '--to', 'soft-label', '--quiet');
});

/** A copy of the store, its cache, and the verify command on it. */
function copy() {
  const store = copiedStore(project);
  const cache = cacheFolderOf(project, store);
  const verify = (...args: readonly string[]) =>
    project.decant('cache', 'verify', '--store', store, ...args);
  return { store, cache, verify };
}

function teacherRows(store: string): readonly number[] {
  const { stages } = JSON.parse(readFileSync(join(store, 'last-run.json'), 'utf8')) as RunRecord;
  const counts = stages['soft-label']?.result?.counts ?? {};
  return [counts['teacherRows'] ?? NaN, counts['resumedRows'] ?? NaN];
}

test('a cache that is as it was sealed passes', async () => {
  const said = await succeed(project, 'cache', 'verify');
  assert.match(said, /^prepare [0-9a-f]{16}: \d+ files: all as sealed$/m);
  assert.match(said, /^soft-label [0-9a-f]{16}: 14 files, 172 rows: all as sealed$/m);
});

test('a flipped bit at any of 200 places is noticed', async () => {
  const { cache } = copy();
  const path = join(cache, 'rows/train/part-00001.parquet');
  const sealed = readFileSync(path);
  const random = randomFor(1, 'flips');
  for (let flip = 0; flip < 200; flip++) {
    flipBit(path, Math.floor(random() * sealed.length), Math.floor(random() * 8));
    const { findings } = await verifyCache(cache);
    assert.deepEqual(
      [...new Set(findings.map(({ file }) => file))],
      ['rows/train/part-00001.parquet'],
    );
    writeFileSync(path, sealed);
  }
  assert.deepEqual((await verifyCache(cache)).findings, []);
});

describe('a repair asks the teacher about the rows of broken files only', () => {
  test('a changed, a short and a lost file, a foreign one and a lost class list', async () => {
    const { store, cache, verify } = copy();
    const before = storeSnapshot(store);
    flipBit(join(cache, 'rows/train/part-00001.parquet'), 300);
    truncateSync(join(cache, 'rows/train/part-00006.parquet'), 100);
    rmSync(join(cache, 'rows/test/part-00000.parquet'));
    rmSync(join(cache, 'classes/classes.json'));
    writeFileSync(join(cache, 'rows/test/part-00009.parquet'), 'foreign');
    const broken = await verify('--json');
    assertRefused(broken, 5, /E_CACHE_BROKEN: npx decant cache verify --repair/);
    const { cache: found } = JSON.parse(broken.stdout) as {
      cache: { findings: { file: string; problem: string }[] };
    };
    assert.deepEqual(
      found.findings
        .map(({ file, problem }) => `${file} ${problem.split(' ').slice(0, 2).join(' ')}`)
        .sort(),
      [
        'classes/classes.json is gone',
        'rows/test/part-00000.parquet is gone',
        'rows/test/part-00009.parquet is not',
        'rows/train/part-00001.parquet its SHA-256',
        'rows/train/part-00006.parquet has 100',
      ],
    );
    const repaired = await verify('--repair');
    assert.equal(repaired.code, 0, repaired.stderr);
    assert.match(
      repaired.stderr,
      /soft-label: broken: rows\/train\/part-00006\.parquet: has 100 bytes/,
    );
    assert.match(repaired.stderr, /repaired: 136 rows kept, 36 rows asked again/);
    assert.match(repaired.stdout, /172 rows: all as sealed/);
    assert.deepEqual(teacherRows(store), [16 + 4 + 16, allRows - 36]);
    assert.deepEqual(storeSnapshot(store), before);
  });

  test('a lost manifest costs no teacher row where no file is broken', async () => {
    const { store, cache, verify } = copy();
    const before = storeSnapshot(store);
    rmSync(join(cache, 'manifest.json'));
    assertRefused(await verify(), 5, /manifest\.json: is gone/);
    const repaired = await verify('--repair');
    assert.equal(repaired.code, 0, repaired.stderr);
    assert.deepEqual(teacherRows(store), [0, allRows]);
    assert.deepEqual(storeSnapshot(store), before);
  });

  test('a broken corpus is prepared again, and costs none', async () => {
    const { store, verify } = copy();
    const before = storeSnapshot(store);
    const paths = Object.keys(before).filter((path) => path.includes('/prepare/'));
    const [flipped = ''] = paths.filter((path) => path.includes('/tokens/teacher/train/'));
    const [short = ''] = paths.filter((path) => path.includes('/inputs/test/'));
    flipBit(join(store, flipped), 200);
    truncateSync(join(store, short), 10);
    const broken = await verify();
    assertRefused(broken, 5, /E_CACHE_BROKEN/);
    assert.match(broken.stdout, /^prepare \w+: tokens\/teacher\/train\/\S+: its SHA-256/m);
    assert.match(broken.stdout, /^prepare \w+: inputs\/test\/\S+: has 10 bytes/m);
    const repaired = await verify('--repair');
    assert.equal(repaired.code, 0, repaired.stderr);
    assert.doesNotMatch(repaired.stderr, /rows asked again/);
    assert.deepEqual(storeSnapshot(store), before);
  });

  test('rows that cannot be true are named and made again, although every checksum fits', async () => {
    const { store, cache, verify } = copy();
    await forgeRows(cache, 'rows/validation/part-00001.parquet', (rows) => {
      rows.tailLogMass[1]?.set([0], 5);
      return { ...rows, exampleIds: rows.exampleIds.with(6, rows.exampleIds[2] ?? '') };
    });
    const { code, stdout, stderr } = await verify();
    assert.equal(code, 5, stderr);
    const part = 'rows/validation/part-00001\\.parquet';
    assert.match(
      stdout,
      new RegExp(
        `^soft-label \\w+: ${part}: row 5 \\(example [0-9a-f]{32}\\): its probabilities sum to .* at T = 2$`,
        'm',
      ),
    );
    assert.match(
      stdout,
      new RegExp(
        `^soft-label \\w+: ${part}: row 6 \\(example [0-9a-f]{32}\\): another row has the same`,
        'm',
      ),
    );
    assert.equal((await verify('--repair')).code, 0);
    assert.deepEqual(teacherRows(store), [16, allRows - 16]);
  });

  test('nothing is touched while a run holds the store, nor where nothing is broken', async () => {
    const { store, cache, verify } = copy();
    const manifest = await readManifest(cache);
    const lock = await lockStore(join(store, 'lock'), { waitMs: 0 });
    assertRefused(await verify('--repair'), 75, /E_LOCKED/);
    lock.release();
    assert.equal((await verify('--repair')).code, 0);
    assert.deepEqual(await readManifest(cache), manifest);
  });

  test('a cache that the configuration does not ask for is left in place', async () => {
    const { cache, verify } = copy();
    flipBit(join(cache, 'rows/train/part-00001.parquet'), 300);
    const args = ['--repair', '--set', 'soft-label.topK=4'];
    assertRefused(await verify(...args), 2, /is not the cache that the configuration asks for/);
    const { findings } = await verifyCache(cache);
    assert.deepEqual(
      findings.map(({ file }) => file),
      ['rows/train/part-00001.parquet'],
    );
  });

  test('a repair that was killed before its run is finished by the next one', async () => {
    const { store, cache, verify } = copy();
    const before = storeSnapshot(store);
    flipBit(join(cache, 'rows/train/part-00003.parquet'), 300);
    const opened = openProject({ config: project.path('decant.yaml'), store });
    const verification = await verifyCache(cache);
    const found = await findCacheFolder(opened, {});
    const { order, device } = await planRepair(opened, found, verification);
    assert.equal(device, 'cpu');
    await turnIntoPartial(store, cache, verification.findings, order);
    assertRefused(await verify(), 2, /E_NO_CACHE: make it: npx decant run --to soft-label/);
    await succeed(project, 'run', '--to', 'soft-label', '--store', store);
    assert.deepEqual(teacherRows(store), [16, allRows - 16]);
    assert.deepEqual(storeSnapshot(store), before);
  });
});

describe('against the teacher', () => {
  test('a sealed cache and its teacher agree', async () => {
    const said = await succeed(
      project,
      'cache',
      'verify',
      '--against-teacher',
      '--sample',
      '10%',
      '--json',
    );
    const { teacher } = JSON.parse(said) as { teacher: Record<string, unknown> };
    // A tenth of each file, rounded up.
    assert.deepEqual([teacher['rows'], teacher['top1Differences']], [23, 0]);
    assert.ok(
      Number(teacher['maxDp']) < 1e-5 && Number(teacher['meanDp']) <= Number(teacher['maxDp']),
    );
  });

  test('a row that could be true but is not what the teacher says is found', async () => {
    const { cache, verify, store } = copy();
    let forged = '';
    await forgeRows(cache, 'rows/train/part-00002.parquet', (rows) => {
      forged = rows.exampleIds[1] ?? '';
      // The two best classes of row 1 change places.
      const [first = 0, second = 0] = rows.topIds.subarray(3, 5);
      rows.topIds.set([second, first], 3);
      return rows;
    });
    const args = ['--against-teacher', '--sample', '100%'];
    const result = await verify(...args);
    assertRefused(
      result,
      5,
      /E_TEACHER_DIFFERS/,
      new RegExp(`train row ${forged}, more than 0.001`),
    );
    assert.match(result.stdout, /^another best class +1 rows$/m);
    assert.match(result.stdout, new RegExp(`^train +${forged} +\\d`, 'm'));
    assert.equal((await verify(...args, '--threshold', '0.9999')).code, 0);
    const { fingerprint = '' } = (await readManifest(cache)) ?? {};
    assert.ok(await findArtifact(store, { instance: 'soft-label', fingerprint }));
  });

  test('another teacher is refused before it is asked', async () => {
    const model = project.path('teacher', 'onnx', 'model.onnx');
    const sealed = readFileSync(model);
    const { fingerprint = '' } = (await readManifest(cacheFolderOf(project))) ?? {};
    writeFileSync(model, Buffer.concat([sealed, Buffer.from([0x1a, 0])]));
    try {
      const result = await project.decant('cache', 'verify', fingerprint, '--against-teacher');
      assertRefused(result, 3, /is not the teacher that made this cache/, /E_OTHER_TEACHER/);
    } finally {
      writeFileSync(model, sealed);
    }
  });
});
