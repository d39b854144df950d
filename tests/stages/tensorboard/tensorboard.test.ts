import assert from 'node:assert/strict';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32c, maskedCrc32c } from '#stages/tensorboard/crc32c.ts';
import { EVENT_FILE_PREFIX, openEventFile } from '#stages/tensorboard/event-file.ts';
import { placeOfEvent } from '#stages/tensorboard/events.ts';
import { histogramOf } from '#stages/tensorboard/histogram.ts';
import { recordOf, wholeRecords } from '#stages/tensorboard/records.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('CRC-32C is that of RFC 3720, and masked as TFRecord files mask it', () => {
  const cases: [Uint8Array, number][] = [
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
    [Buffer.from('123456789'), 0xe3069283],
  ];
  for (const [bytes, expected] of cases) assert.equal(crc32c(bytes), expected);
  // The first 12 bytes of every event file that TensorFlow writes: length 24 and its CRC.
  assert.equal(maskedCrc32c(Buffer.from('1800000000000000', 'hex')), 0x224b7fa3);
});

test('records read back, and reading stops where a kill or a flipped bit left something else', () => {
  const texts = ['a', '', 'longer than the others'];
  const file = Buffer.concat(texts.map((text) => recordOf(Buffer.from(text))));
  const read = (bytes: Buffer) => [...wholeRecords(bytes)].map(String);
  assert.deepEqual(read(file), texts);
  for (let length = 0; length < file.length; length++) {
    const whole = read(file.subarray(0, length));
    assert.deepEqual(whole, texts.slice(0, whole.length));
    assert.ok(whole.length < texts.length);
  }
  for (let at = 0; at < file.length; at++) {
    const flipped = Buffer.from(file);
    flipped[at] = (flipped[at] ?? 0) ^ 4;
    assert.ok(read(flipped).length < texts.length, `byte ${at}`);
  }
});

test('a histogram counts every number once, between the least and the greatest', () => {
  const values = Float32Array.from([-1, 0, 0.5, 0.5, 2, Number.NaN, Infinity]);
  const histogram = histogramOf(values, 3);
  assert.deepEqual(histogram, {
    min: -1,
    max: 2,
    count: 5,
    sum: 2,
    sumOfSquares: 5.5,
    limits: [0, 1, 2],
    counts: [1, 3, 1],
  });
  assert.deepEqual(histogramOf(Float32Array.of(3, 3)).counts, [2]);
  assert.equal(histogramOf(Float32Array.of(Number.NaN)).count, 0);
});

test('an event file goes on behind what is kept, whatever a kill has torn', async () => {
  const folder = temporaryFolder();
  const path = join(folder, `${EVENT_FILE_PREFIX}.0.decant`);
  const first = await openEventFile(
    folder,
    () => true,
    () => 1000,
  );
  for (const step of [10, 20, 30]) await first.append(step, { 'train/loss': step });
  await appendFile(path, Buffer.from('torn'));
  const second = await openEventFile(
    folder,
    ({ step }) => step <= 20,
    () => 2000,
  );
  await second.append(300, { 'train/loss': 7, 'weights/a': histogramOf(Float32Array.of(1, 2)) });
  const events = [...wholeRecords(await readFile(path))];
  const places = events.map(placeOfEvent);
  assert.deepEqual(
    places.map(({ step }) => step),
    [0, 10, 20, 300],
  );
  assert.deepEqual(
    places.map(({ tag }) => tag),
    ['', 'train/loss', 'train/loss', 'train/loss'],
  );
  assert.deepEqual(
    events.map((event) => event.readDoubleLE(1)),
    [1, 1, 1, 2],
  );
});
