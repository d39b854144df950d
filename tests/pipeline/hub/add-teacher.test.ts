import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { Failure } from '#cache/failure.ts';
import { addTeacher } from '#pipeline/hub/add-teacher.ts';
import { hubEnvironment, hubReference } from '#pipeline/hub/environment.ts';
import { externalTensor, graph, model } from '#stages/onnx/wire.ts';
import { checkpointOnnx } from '#stages/students/checkpoint.ts';
import { type HubServer, startHubServer } from '#tests/support/hub-server.ts';
import { goldenFolder, sampleFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { COMMIT, filesBelow, goldenBert, miniTeacher } from './hub-files.ts';

const hub: HubServer = await startHubServer();
after(() => hub.close());

const folder = temporaryFolder('decant-hub');

beforeEach(() => {
  hub.requests.length = 0;
  hub.repositories.clear();
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
