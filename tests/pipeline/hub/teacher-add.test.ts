import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { assertRefused } from '#tests/support/cli-result.ts';
import { type HubServer, startHubServer } from '#tests/support/hub-server.ts';
import { runCli } from '#tests/support/mini-project.ts';
import { writeSentenceEncoder } from '#tests/support/sentence-encoder.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { COMMIT, filesBelow, goldenBert, miniTeacher } from './hub-files.ts';

const hub: HubServer = await startHubServer();
after(() => hub.close());

const CANARY = 'hf_canaryCANARYcanary';

const folder = temporaryFolder('decant-hub');

beforeEach(() => {
  hub.requests.length = 0;
  hub.repositories.clear();
});

describe('decant teacher add', () => {
  test('brings the ONNX file of a private model and writes down where it is from', async () => {
    const card = Buffer.from('---\nlicense: apache-2.0\n---\n# teacher\n');
    const files: Record<string, Buffer> = { ...miniTeacher(), 'README.md': card };
    hub.repositories.set('org/teacher', { commit: COMMIT, files, token: CANARY });
    const result = await decant('add', 'org/teacher');
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stdout, /^teacher: org\/teacher at 0123456789ab, \d files, /);
    const made = join(folder, 'teacher');
    const record = JSON.parse(readFileSync(join(made, 'source.json'), 'utf8'));
    assert.equal(record.commit, COMMIT);
    assert.equal(record.complete, true);
    assert.equal(record.license, 'apache-2.0');
    assert.match(result.stderr, /^licence: apache-2\.0$/m);
    for (const { path, bytes, sha256 } of record.files) {
      const content = readFileSync(join(made, path));
      assert.deepEqual(content, files[path]);
      assert.equal(bytes, content.length);
      assert.equal(sha256, createHash('sha256').update(content).digest('hex'));
    }
    assert.deepEqual(
      filesBelow(made),
      [...Object.keys(files).filter((path) => path !== 'weights.h5'), 'source.json'].sort(),
    );

    const stored = hub.requests.filter(({ path }) => path.startsWith('/store/'));
    assert.ok(
      stored.length > 0 && stored.every(({ authorization }) => authorization === undefined),
    );
    const said = [
      result.stdout,
      result.stderr,
      ...filesBelow(made).map((path) => readFileSync(join(made, path), 'latin1')),
    ];
    assert.ok(said.every((text) => !text.includes('canary') && !text.includes('signature')));
  });

  test('of several graphs brings the one that is named, and says how it is used', async () => {
    const { 'onnx/model.onnx': graph = Buffer.from(''), ...rest } = miniTeacher();
    const files = { ...rest, 'onnx/model.onnx': Buffer.from('no'), 'onnx/model_fp16.onnx': graph };
    hub.repositories.set('org/halves', { commit: COMMIT, files });
    const other = await decant('add', ['org/halves', '--file', 'onnx/model_int4.onnx']);
    assertRefused(
      other,
      2,
      /no ONNX file onnx\/model_int4\.onnx; .*: onnx\/model.*, onnx\/model_fp/,
    );
    const result = await decant('add', ['org/halves', '--file', 'onnx/model_fp16.onnx']);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stdout, /teacher: \{ model: halves\/onnx\/model_fp16\.onnx \}/);
    assert.ok(!filesBelow(join(folder, 'halves')).includes('onnx/model.onnx'));
    const checked = await decant('check', 'halves/onnx/model_fp16.onnx');
    assert.match(checked.stdout, /^classes +12: /m, checked.stderr);
  });

  test('offline is content with a folder that is whole, and makes no request', async () => {
    hub.repositories.set('org/offline', { commit: COMMIT, files: miniTeacher() });
    const offline = { HF_HUB_OFFLINE: '1' };
    assertRefused(await decant('add', 'org/offline', offline), 2, /HF_HUB_OFFLINE is set/);
    assert.equal((await decant('add', 'org/offline')).code, 0);
    hub.requests.length = 0;
    assert.equal((await decant('add', 'org/offline', offline)).code, 0);
    rmSync(join(folder, 'offline', 'config.json'));
    assertRefused(await decant('add', 'org/offline', offline), 2, /does not hold all/);
    assert.equal(hub.requests.length, 0);
  });

  test('says what to do where a model is private, gated or not there', async () => {
    hub.repositories.set('org/private', { commit: COMMIT, files: {}, token: 'hf_other' });
    const none = await decant('add', 'org/private', { HF_TOKEN: '' });
    assertRefused(none, 2, /private or gated/, /status 401/, /set HF_TOKEN/);
    hub.repositories.set('org/open', { commit: COMMIT, files: {} });
    const revision = await decant('add', 'org/open@v9');
    assertRefused(revision, 2, /org\/open@v9: .* no such model or revision \(status 404\)/);
    assertRefused(await decant('add', 'a/b/c'), 2, /"a\/b\/c" is no model of the hub/);
    assert.ok(!existsSync(join(folder, 'open')));
  });

  test('brings a sentence encoder with its pooling, says how it is used, and does not check it as a classifier', async () => {
    const encoder = writeSentenceEncoder(temporaryFolder(), 'mini');
    const pooling = Buffer.from('{"pooling_mode_mean_tokens": true}');
    const own = filesBelow(encoder).map((path) => [path, readFileSync(join(encoder, path))]);
    const files = { ...Object.fromEntries(own), '1_Pooling/config.json': pooling };
    hub.repositories.set('org/encoder', { commit: COMMIT, files });
    const result = await decant('add', 'org/encoder');
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stdout, /use it: teacher: \{ embeddings: encoder, head: fit \}/);
    assert.ok(existsSync(join(folder, 'encoder', '1_Pooling', 'config.json')));
    const checked = await decant('check', './encoder');
    assertRefused(checked, 3, /gives vectors and no logits \(outputs: last_hidden_state/);
  });

  test('prints the command of the exporter where weights cannot be turned, and fetches none', async () => {
    const config = Buffer.from(JSON.stringify({ model_type: 'deberta-v2' }));
    const files = { 'config.json': config, 'model.safetensors': Buffer.alloc(5000) };
    hub.repositories.set('org/deberta', { commit: COMMIT, files });
    const result = await decant('add', 'org/deberta');
    const command = /optimum-cli export onnx --model org\/deberta --task text-classification \S/;
    assertRefused(result, 3, /model_type/, command);
    assert.ok(hub.requests.every(({ path }) => !path.endsWith('model.safetensors')));
  });
});

test('decant teacher add ./DIR makes what a checkpoint of your own lacks, and the teacher works', async () => {
  const made = join(folder, 'own');
  mkdirSync(made);
  for (const [path, content] of Object.entries(goldenBert())) {
    writeFileSync(join(made, path), content);
  }
  const first = await decant('add', './own');
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^own: tokenizer\.json, onnx\/model\.onnx$/m);
  assert.match((await decant('add', './own')).stdout, /^own: nothing was missing$/m);
  const checked = await decant('check', './own');
  assert.equal(checked.code, 0, checked.stderr);
  assert.match(checked.stdout, /^classes +5: LABEL_0, LABEL_1, LABEL_2, 2 more$/m);
  assert.match(checked.stdout, /WordPiece, 100 ids; the model knows 100$/m);
  assertRefused(await decant('add', './nowhere'), 3, /\.\/nowhere: there is no such folder/);
  assert.equal(hub.requests.length, 0);
});

function decant(
  command: string,
  name: string | string[],
  environment: Readonly<Record<string, string>> = {},
) {
  const { HF_HUB_OFFLINE = '', ...rest } = environment;
  const variables = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: CANARY, HF_HUB_OFFLINE, ...rest };
  return runCli(['teacher', command, ...[name].flat()], folder, variables);
}
