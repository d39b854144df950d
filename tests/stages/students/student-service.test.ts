import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { openStudent } from '#stages/students/open-student.ts';
import {
  type Classification,
  loadStudent,
  type Student,
} from '#stages/students/student-service.ts';
import { failureOf } from '#tests/support/failure.ts';
import { importGraph } from '#tests/support/import-graph.ts';
import { repository, sampleFolder } from '#tests/support/paths.ts';
import { setInConfig, teacherAsStudent } from '#tests/support/teacher-as-student.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const TEXTS = [
  'I have been waiting for my card for over two weeks now, where is it?',
  'lost my card',
  'what is the exchange rate',
];

describe('a student in a thread of its own', () => {
  let student: Student;
  before(async () => {
    student = await loadStudent(teacherAsStudent(), { threads: 1 });
  });
  after(() => student.close());

  test('says what the student says in this thread', async () => {
    const here = await openStudent(teacherAsStudent(), { threads: 1 });
    try {
      const expected = await here.classify(TEXTS);
      const answers = await student.classify(TEXTS);
      assert.deepEqual(
        answers,
        expected.map(({ label, confidence }) => ({ label, confidence, abstained: false })),
      );
      assert.deepEqual(student.classNames, here.classNames);
      assert.deepEqual(await student.classify([]), []);
    } finally {
      await here.close();
    }
  });

  test('concurrent calls each get their own answers', async () => {
    const calls = Array.from({ length: 40 }, (_, call) => [TEXTS[call % 3] ?? '', TEXTS[0] ?? '']);
    const together = await Promise.all(calls.map((texts) => student.classify(texts)));
    const [late, lost, rate] = await student.classify(TEXTS);
    const labels = [late, lost, rate].map((answer) => answer?.label);
    for (const [call, answers] of together.entries()) {
      assert.deepEqual(
        answers.map(({ label }) => label),
        [labels[call % 3], labels[0]],
      );
    }
  });

  test('leaves the event loop free while it computes', async () => {
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    const texts = Array.from({ length: 3000 }, (_, index) => `${TEXTS[index % 3]} ${index}`);
    const start = performance.now();
    await student.classify(texts);
    clearInterval(ticking);
    const ms = performance.now() - start;
    assert.ok(turns > ms / 20, `${turns} turns of the event loop in ${ms.toFixed(0)} ms`);
  });

  test('an aborted call rejects with its reason, and the others go on', async () => {
    const controller = new AbortController();
    const dropped = student.classify(Array(2000).fill(TEXTS[0]), { signal: controller.signal });
    const kept = student.classify(TEXTS);
    controller.abort(new Error('the client is gone'));
    await assert.rejects(dropped, /the client is gone/);
    assert.equal((await kept).length, 3);
    const late = student.classify(TEXTS, { signal: AbortSignal.abort(new Error('too late')) });
    await assert.rejects(late, /too late/);
  });

  test('refuses what it was not trained to say, and names the method that works', async () => {
    for (const call of [student.labels(TEXTS), student.values(TEXTS), student.tag([['a']])]) {
      const failure = await failureOf(call);
      assert.equal(failure.code, 'E_STUDENT_TASK');
      assert.match(failure.fix, /classify\(\)/);
    }
  });
});

test('a student answers the calls that were made before it is closed, and none after', async () => {
  const student = await loadStudent(teacherAsStudent(), { threads: 1 });
  const last = student.classify(Array(300).fill(TEXTS[1]));
  await student.close();
  assert.equal((await last).length, 300);
  assert.equal((await failureOf(student.classify(TEXTS))).code, 'E_STUDENT_CLOSED');
});

test('below the threshold of its operating point a student abstains', async () => {
  const folder = teacherAsStudent();
  const thresholds = { card_arrival: 1.1 };
  const operating_point = { goal: 'precision >= 0.95', threshold: 0, thresholds };
  setInConfig(folder, { decant: { operating_point } });
  const student = await loadStudent(folder, { threads: 1 });
  try {
    const [late, lost] = await student.classify(TEXTS);
    assert.deepEqual([late?.label, late?.abstained], ['card_arrival', true]);
    assert.equal(lost?.abstained, false);
  } finally {
    await student.close();
  }
});

test('a student of several labels keeps what is below a threshold to itself, and says so', async () => {
  const folder = teacherAsStudent();
  setInConfig(folder, { problem_type: 'multi_label_classification' });
  const saidBy = async (point: object) => {
    const operating_point = { goal: 'precision >= 0.95', threshold: 0.5, ...point };
    setInConfig(folder, { decant: { operating_point } });
    const student = await loadStudent(folder, { threads: 1 });
    const answers = await student.labels(TEXTS);
    await student.close();
    return answers.map(({ labels, abstained }) => ({ ...labels[0], abstained }));
  };
  const [late] = await saidBy({});
  assert.deepEqual([late?.label, late?.abstained], ['card_arrival', false]);
  const [unsaid] = await saidBy({ thresholds: { card_arrival: 1.1 } });
  assert.notEqual(unsaid?.label, 'card_arrival');
  assert.equal(unsaid?.abstained, unsaid?.label === undefined);
  const [guessed] = await saidBy({ leastSure: 1 });
  assert.deepEqual([guessed?.label, guessed?.abstained], ['card_arrival', true]);
  const [cooler] = await saidBy({ temperature: 4 });
  assert.ok((cooler?.confidence ?? 0) < (late?.confidence ?? 0));
});

test('students of several labels, of numbers and of words have methods of their own', async () => {
  const several = teacherAsStudent();
  setInConfig(several, { problem_type: 'multi_label_classification' });
  const numbers = teacherAsStudent();
  setInConfig(numbers, { problem_type: 'regression' });
  const [labels, values] = [
    await loadStudent(several, { threads: 1 }),
    await loadStudent(numbers, { threads: 1 }),
  ];
  try {
    const [said] = await labels.labels(TEXTS);
    assert.ok(said?.labels.length && said.labels.every(({ confidence }) => confidence >= 0.5));
    assert.equal(said.abstained, false);
    const [named = {}] = await values.values(TEXTS);
    assert.deepEqual(Object.keys(named), values.classNames);
    assert.equal((await failureOf(labels.classify(TEXTS))).code, 'E_STUDENT_TASK');
  } finally {
    await Promise.all([labels.close(), values.close()]);
  }
});

test('the service of the README answers over HTTP', async () => {
  const folder = temporaryFolder();
  cpSync(join(sampleFolder('mini'), 'teacher'), join(folder, 'student'), { recursive: true });
  writeFileSync(join(folder, 'service.mjs'), serviceOfReadme());
  const service = spawn(
    process.execPath,
    ['--import', import.meta.resolve('#cache/loader/register.mjs'), 'service.mjs'],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  try {
    const port = String(await once(service.stdout, 'data')).trim();
    const ask = { method: 'POST', body: 'lost my card' };
    const response = await fetch(`http://localhost:${port}`, ask);
    const { label, abstained } = (await response.json()) as Classification;
    assert.deepEqual([label, abstained], ['lost_or_stolen_card', false]);
  } finally {
    service.kill();
    await once(service, 'exit');
  }
});

test('a folder that is no student is refused by its name', async () => {
  const failure = await failureOf(loadStudent('/nowhere'));
  assert.equal(failure.code, 'E_STUDENT');
  assert.match(failure.message, /\/nowhere: has no config\.json/);
});

test('behind decant/student stand ONNX Runtime and tokenizers, and nothing of training', () => {
  const entries = ['student-service.ts', 'student.worker.ts'];
  const { packages, files } = importGraph(entries.map((file) => `stages/students/${file}`));
  assert.deepEqual(packages, ['onnxruntime-node', 'tokenizers', 'zod']);
  assert.ok(files.includes('stages/onnx/session.ts'), files.join('\n'));
});

/** The example as it stands there, with our own entry and a free port. */
function serviceOfReadme(): string {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  const [, code = ''] = /```js\n(\/\/ service\.mjs[^]*?)```/.exec(readme) ?? [];
  const entry = pathToFileURL(join(repository, 'stages/students/student-service.ts')).href;
  return code
    .replace("'decant/student'", JSON.stringify(entry))
    .replace('.listen(8080)', '.listen(0, function () { console.log(this.address().port); })');
}
