import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { lockStore } from '#cache/lock.ts';
import { exampleIdOf } from '#datasets/example-id.ts';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';
import { startCli } from '#tests/support/running-cli.ts';
import { smallProject } from '#tests/support/small-project.ts';
import { storeSnapshot } from '#tests/support/store-snapshot.ts';
import { filesHolding } from '#tests/support/store-texts.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  addLogLine,
  artifactOf,
  type Receipt,
  type Row,
  reportedRow,
  untilRewritten,
  withoutLogs,
} from './forgetting.ts';

describe('rows that are to be forgotten', () => {
  let project: MiniProject;
  let rows: readonly Row[];
  let secrets: readonly string[];

  const store = () => project.path('.decant');
  const jsonRow = (file: string, line: number): Row =>
    JSON.parse(readFileSync(project.path(file), 'utf8').split('\n')[line] ?? '');
  const receiptIn = (folder: string): Receipt => {
    const [name = ''] = readdirSync(join(folder, 'receipts'));
    return JSON.parse(readFileSync(join(folder, 'receipts', name), 'utf8'));
  };

  before(async () => {
    project = smallProject({ report: { texts: 'full' } });
    const validation = jsonRow('validation.jsonl', 3);
    // A near-equal train row becomes a reject that shows the text.
    appendFileSync(
      project.path('unlabelled.jsonl'),
      `${JSON.stringify({ id: 'twin', text: `${validation.text} !!` })}\n`,
    );
    await succeed(project, 'run');
    await succeed(project, 'tag', 'last', 'good');
    const reported = reportedRow(project);
    rows = [jsonRow('unlabelled.jsonl', 5), validation, reported];
    secrets = rows.flatMap(({ id, text }) => [text, exampleIdOf(text), id]);
    addLogLine(store(), rows[0] ?? reported);
    mkdirSync(join(store(), 'partial', 'soft-label-0123456789abcdef'), { recursive: true });
    cpSync(
      artifactOf(store(), 'soft-label'),
      join(store(), 'partial', 'soft-label-0123456789abcdef'),
      {
        recursive: true,
      },
    );
    writeFileSync(project.path('ids.txt'), rows.map(({ id }) => `${id}\n`).join(''));
  });

  test('a dry run names what holds them and writes nothing', async () => {
    const before = storeSnapshot(store());
    const condition = `source_id in (${rows.map(({ id }) => `'${id}'`).join()}) -- these`;
    const said = await succeed(project, 'forget', '--where', condition, '--dry-run');
    assert.match(said, /would forget: 1 train, 1 validation, 1 test rows/);
    for (const file of [
      'examples',
      'labels',
      'tokens',
      'part-00000',
      'probe',
      'report',
      'rejects',
    ]) {
      assert.match(said, new RegExp(file), file);
    }
    assert.match(said, /run\.jsonl/);
    assert.match(said, /would remove .*partial.soft-label/);
    assert.match(said, /your file still holds a row of it: validation\.jsonl/);
    assert.deepEqual(storeSnapshot(store()), before);
    assert.ok(!existsSync(join(store(), 'tombstones.json')));
  });

  test('what nobody knows, no question and two questions are refused', async () => {
    writeFileSync(project.path('wrong.txt'), `${rows[0]?.id}\nno such id\n`);
    const wrong = await project.decant('forget', '--ids', 'wrong.txt');
    assertRefused(wrong, 2, /wrong\.txt: "no such id": the store holds no such row/);
    const both = await project.decant('forget', '--ids', 'ids.txt', '--where', 'true');
    assertRefused(both, 2, /--ids and --where together/);
    const sql = await project.decant('forget', '--where', "true) or read_text('/etc/passwd') = ('");
    assertRefused(sql, 2, /E_SQL/);
    const lock = await lockStore(join(store(), 'lock'), { waitMs: 0 });
    try {
      const held = await project.decant('forget', '--ids', 'ids.txt');
      assertRefused(held, 75, /the store is in use/);
    } finally {
      lock.release();
    }
  });

  test('killed anywhere, the same command finishes and the end is the same', async (t) => {
    const copies = temporaryFolder('decant forgetting');
    const copy = (name: string): string => {
      cpSync(store(), join(copies, name), { recursive: true });
      return join(copies, name);
    };
    const reference = copy('reference');
    await succeed(project, 'forget', '--ids', 'ids.txt', '--store', reference);
    const undisturbed = storeSnapshot(reference);
    for (const artifacts of [0, 3]) {
      const killed = copy(`killed after ${artifacts}`);
      const args = ['forget', '--ids', 'ids.txt', '--store', killed];
      const run = startCli(args, { cwd: project.folder });
      await untilRewritten(killed, artifacts, run.ended);
      run.kill('SIGKILL');
      const { code } = await run.ended;
      t.diagnostic(`killed after ${artifacts} artifacts: ended with ${code}`);
      storeSnapshot(killed);
      if (code !== 0) {
        const refused = await project.decant('run', '--store', killed, '--to', 'prepare');
        assertRefused(refused, 2, /a forgetting was interrupted/, /npx decant forget/);
      }
      await succeed(project, ...args);
      assert.deepEqual(storeSnapshot(killed), undisturbed);
      assert.deepEqual(await filesHolding(killed, secrets), []);
      const [receipt, expected] = [receiptIn(killed), receiptIn(reference)];
      assert.ok(receipt.finishedAt !== null);
      for (const key of ['rows', 'artifacts', 'files', 'students'] as const) {
        assert.deepEqual(withoutLogs(receipt[key]), withoutLogs(expected[key]), key);
      }
    }
  });

  test('nothing of them is left in the store, and every manifest is right', async () => {
    assert.notDeepEqual(await filesHolding(store(), secrets), []);
    const said = await succeed(project, 'forget', '--ids', 'ids.txt');
    assert.deepEqual(await filesHolding(store(), secrets), []);
    storeSnapshot(store());
    const receipt = receiptIn(store());
    assert.equal(
      Object.values(receipt.rows).reduce((sum, count) => sum + count, 0),
      3,
    );
    assert.deepEqual(
      receipt.students.map(({ instance, trainedOn }) => [instance, trainedOn]),
      [['train-student:distilled', 1]],
    );
    assert.deepEqual(
      receipt.exports.map(({ instance }) => instance),
      ['export-student:distilled'],
    );
    assert.deepEqual(receipt.removed, ['partial/soft-label-0123456789abcdef']);
    assert.match(said, /were not retrained/);
    assert.match(said, /your file still holds 2 rows of it: unlabelled\.jsonl/);
  });

  test('asking again is fine, and says that it is done', async () => {
    const { code, stderr } = await project.decant('forget', '--ids', 'ids.txt');
    assert.equal(code, 0);
    assert.match(stderr, /forgotten before: 3/);
  });

  test('a tagged run still keeps what it made', async () => {
    const gc = await succeed(
      project,
      'cache',
      'gc',
      '--dry-run',
      '--older-than',
      '0s',
      '--keep',
      '0',
    );
    assert.match(gc, /in 0 places/);
  });

  test('the corpus still holds them, but no run brings them back, and no teacher is asked', async () => {
    const status = await succeed(project, 'status');
    assert.match(status, /^prepare +stale +tombstones\.json changed/m);
    await succeed(project, 'run', '--to', 'soft-label');
    const { stages } = JSON.parse(readFileSync(join(store(), 'last-run.json'), 'utf8'));
    assert.equal(stages.prepare.result.counts.forgotten, 4);
    assert.equal(stages['soft-label'].status, 'fresh');
    assert.match(await succeed(project, 'status'), /^train-student:distilled +stale/m);
    assert.deepEqual(await filesHolding(store(), secrets), []);
  });

  test('what is left is, bit for bit, what a corpus without them would have given', async () => {
    const other = smallProject({ report: { texts: 'full' } });
    for (const file of ['unlabelled.jsonl', 'validation.jsonl', 'test.jsonl', 'labelled.csv']) {
      const lines = readFileSync(other.path(file), 'utf8').split('\n');
      const kept = lines.filter((line) => !rows.some(({ id }) => line.includes(`${id}`)));
      writeFileSync(other.path(file), kept.join('\n'));
    }
    await succeed(project, 'run', '--to', 'soft-label');
    await succeed(other, 'run', '--to', 'soft-label');
    const outputs = (folder: string, instance: string): unknown =>
      JSON.parse(readFileSync(join(artifactOf(folder, instance), 'manifest.json'), 'utf8')).outputs;
    const expected = outputs(other.path('.decant'), 'soft-label');
    assert.deepEqual(outputs(store(), 'soft-label'), expected);
  });

  test('the next run trains the student anew', async () => {
    await succeed(project, 'run');
    await succeed(project, 'status', '--check');
    assert.deepEqual(await filesHolding(store(), secrets), []);
  });
});
