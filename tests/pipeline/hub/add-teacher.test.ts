import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { Failure } from '#cache/failure.ts';
import { addTeacher } from '#pipeline/hub/add-teacher.ts';
import { hubEnvironment, hubReference } from '#pipeline/hub/environment.ts';
import { externalTensor, graph, model } from '#stages/onnx/wire.ts';
import { checkpointOnnx } from '#stages/students/checkpoint.ts';
import { assertRefused } from '#tests/support/cli-result.ts';
import { type HubServer, startHubServer } from '#tests/support/hub-server.ts';
import { runCli } from '#tests/support/mini-project.ts';
import { goldenFolder, sampleFolder } from '#tests/support/paths.ts';
import { writeSentenceEncoder } from '#tests/support/sentence-encoder.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const hub: HubServer = await startHubServer();
after(() => hub.close());

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
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

describe('addTeacher', () => {
  test('turns safetensors into ONNX and a vocabulary into tokenizer.json', async () => {
    hub.repositories.set('org/bert', { commit: COMMIT, files: goldenBert() });
    const made = join(folder, 'bert');
    const record = await add('org/bert', made);
    assert.deepEqual(
      record.made.map(({ path, from }) => [path, from]),
      [
        ['tokenizer.json', 'vocab.txt (WordPiece, lower case)'],
        ['onnx/model.onnx', 'model.safetensors'],
      ],
    );
    const expected = await checkpointOnnx(join(goldenFolder, 'hf-golden', 'bert'));
    assert.ok(readFileSync(join(made, 'onnx', 'model.onnx')).equals(expected));
  });

  test('weights beside the graph come with it; a path out of the folder is not followed', async () => {
    const inside = { location: 'model.onnx_data', offset: 0, byteLength: 4096 };
    const outside = { ...inside, location: '../../../outside' };
    const graphOf = (place: typeof inside) =>
      Buffer.from(
        model(graph({ initializers: [externalTensor('weights', 'float32', [1024], place)] })),
      );
    const { 'onnx/model.onnx': _graph, ...rest } = miniTeacher();
    const data = Buffer.alloc(4096, 1);
    const files = {
      ...rest,
      'onnx/model.onnx': graphOf(inside),
      'onnx/model.onnx_data': data,
      '../outside': data,
    };
    hub.repositories.set('org/large', { commit: COMMIT, files });
    await add('org/large', join(folder, 'large'));
    assert.ok(readFileSync(join(folder, 'large', 'onnx', 'model.onnx_data')).equals(data));
    const escaping = { ...files, 'onnx/model.onnx': graphOf(outside) };
    hub.repositories.set('org/escaping', { commit: COMMIT, files: escaping });
    const asked = add('org/escaping', join(folder, 'escaping'));
    await assert.rejects(
      asked,
      refusal('model', /wants weights from \.\.\/.*outside of its own folder/),
    );
    assert.ok(!existsSync(join(folder, 'outside')));
  });

  test('a transfer that breaks leaves nothing half, and the next one fetches that file alone', async () => {
    hub.repositories.set('org/broken', { commit: COMMIT, files: goldenBert() });
    const made = join(folder, 'broken');
    hub.trouble = 'cut';
    await assert.rejects(add('org/broken', made), refusal('retry', /the transfer broke/));
    assert.deepEqual(filesBelow(made), ['config.json', 'source.json', 'vocab.txt']);
    writeFileSync(join(made, 'model.safetensors.tmp-0badcafe'), 'left by a kill');
    hub.requests.length = 0;
    const record = await add('org/broken', made);
    assert.ok(filesBelow(made).every((path) => !path.includes('.tmp-')));
    assert.equal(record.complete, true);
    const fetched = hub.requests.filter(({ path }) => path.includes('/resolve/'));
    assert.ok(fetched.every(({ path }) => path.endsWith('/model.safetensors')));
  });

  test('other bytes than the hub told of are refused', async () => {
    hub.repositories.set('org/other', { commit: COMMIT, files: goldenBert() });
    hub.trouble = 'other bytes';
    const made = join(folder, 'other');
    await assert.rejects(add('org/other', made), refusal('retry', /another checksum/));
    assert.ok(!existsSync(join(made, 'model.safetensors')));
  });

  test('a folder never mixes two commits, models or things', async () => {
    const files = goldenBert();
    hub.repositories.set('org/moving', { commit: COMMIT, files });
    hub.repositories.set('org/second', { commit: COMMIT, files });
    const made = join(folder, 'moving');
    await add('org/moving', made);
    hub.repositories.set('org/moving', { commit: COMMIT.replace('0', 'f'), files });
    const commit = /holds org\/moving at 0123456789ab, not org\/moving at f123456789ab/;
    await assert.rejects(add('org/moving', made), refusal('usage', commit));
    await assert.rejects(add('org/second', made), refusal('usage', /not org\/second/));
    const occupied = refusal('usage', /files without a source\.json/);
    await assert.rejects(add('org/second', sampleFolder('mini')), occupied);
  });

  test('a hub that does not answer is told by its address', async () => {
    const gone = await startHubServer();
    await gone.close();
    const variables = { HF_ENDPOINT: `${gone.endpoint}/` };
    const asked = addTeacher(
      hubReference('org/bert'),
      join(folder, 'nobody'),
      hubEnvironment(variables),
      () => undefined,
    );
    await assert.rejects(asked, refusal('retry', /^http:\/\/127[\d.:]+\/api.*ECONNREFUSED/));
  });
});

test('an endpoint with a password in it, or none at all, is refused without being told', () => {
  for (const HF_ENDPOINT of ['https://me:secret@hub.example.com', 'nowhere', 'ftp://x']) {
    assert.throws(
      () => hubEnvironment({ HF_ENDPOINT }),
      (error) => {
        assert.ok(error instanceof Failure);
        return !error.message.includes('secret');
      },
    );
  }
});

function decant(command: string, name: string, environment: Readonly<Record<string, string>> = {}) {
  const { HF_HUB_OFFLINE = '', ...rest } = environment;
  const variables = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: CANARY, HF_HUB_OFFLINE, ...rest };
  return runCli(['teacher', command, name], folder, variables);
}

function add(name: string, to: string) {
  const environment = hubEnvironment({ HF_ENDPOINT: hub.endpoint });
  return addTeacher(hubReference(name), to, environment, () => undefined);
}

function refusal(kind: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(error.kind, kind);
    assert.match(error.message, message);
    return true;
  };
}

function miniTeacher(): Record<string, Buffer> {
  const teacher = join(sampleFolder('mini'), 'teacher');
  const files = filesBelow(teacher).map((path) => [path, readFileSync(join(teacher, path))]);
  return { ...Object.fromEntries(files), 'weights.h5': Buffer.alloc(3000) };
}

function goldenBert(): Record<string, Buffer> {
  const golden = join(goldenFolder, 'hf-golden', 'bert');
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  const words = Array.from({ length: 95 }, (_, index) => `word${index}`);
  return {
    'config.json': readFileSync(join(golden, 'config.json')),
    'model.safetensors': readFileSync(join(golden, 'model.safetensors')),
    'vocab.txt': Buffer.from(`${[...special, ...words].join('\n')}\n`),
  };
}

function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
}
