import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { licenseBeside, licenseOfCard } from '#pipeline/teachers/teacher-license.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('the head of a model card names the licence, however it writes it', () => {
  const of = (head: string) => licenseOfCard(`---\n${head}\n---\n# x\nlicense: not this\n`);
  assert.equal(of('language: en\nlicense: mit'), 'mit');
  assert.equal(of('license: "cc-by-4.0"'), 'cc-by-4.0');
  assert.equal(of('license:\n- mit\n- apache-2.0'), 'mit, apache-2.0');
  assert.equal(
    of('license: other\nlicense_name: small-model\nlicense_link: https://example.com/l'),
    'small-model (https://example.com/l)',
  );
  assert.equal(of('license: other'), 'other');
  assert.equal(of('language: en'), undefined);
  assert.equal(licenseOfCard('# no head\nlicense: mit\n'), undefined);
});

test('a card that is no YAML says nothing', () => {
  assert.equal(licenseOfCard('---\nlicense: [mit\n---\n'), undefined);
  assert.equal(licenseOfCard('---\njust words\n---\n'), undefined);
});

test('README.md counts before source.json, and that before config.json', () => {
  const folder = temporaryFolder();
  const config = join(folder, 'config.json');
  writeFileSync(config, '{}');
  assert.equal(licenseBeside(config), undefined);
  writeFileSync(config, '{"license": "mit"}');
  assert.deepEqual(licenseBeside(config), { name: 'mit', file: 'config.json' });
  writeFileSync(join(folder, 'source.json'), '{"license": "apache-2.0"}');
  assert.deepEqual(licenseBeside(config), { name: 'apache-2.0', file: 'source.json' });
  writeFileSync(join(folder, 'README.md'), '---\nlicense: gpl-3.0\n---\n');
  assert.deepEqual(licenseBeside(config), { name: 'gpl-3.0', file: 'README.md' });
});
