import { isAscii, isUtf8 } from 'node:buffer';

/** Texts end to end in UTF-8, as Arrow keeps them: text t is `bytes[offsets[t] .. offsets[t + 1]]`. */
export interface Texts {
  readonly bytes: Buffer;
  readonly offsets: Int32Array;
}

/** PLAIN texts: each has its length in front, 4 bytes. */
export function encodeTexts(texts: readonly string[]): Buffer {
  return encodeShortAscii(texts) ?? encodeAny(texts);
}

/** Takes exactly `count` PLAIN texts out of `plain`, which is overwritten and not kept. */
export function decodeTexts(plain: Buffer, count: number): Texts {
  const offsets = new Int32Array(count + 1);
  let position = 0;
  let filled = 0;
  for (let index = 0; index < count; index++) {
    const start = position + 4;
    const end = start > plain.length ? Number.NaN : start + lengthAt(plain, position);
    if (!(end <= plain.length)) throw new Error(`text ${index} ends behind its page`);
    filled = moveText(plain, filled, start, end);
    offsets[index + 1] = filled;
    position = end;
  }
  if (position !== plain.length)
    throw new Error(`${plain.length - position} bytes behind the texts`);
  const texts = { bytes: Buffer.copyBytesFrom(plain, 0, filled), offsets };
  checkUtf8(texts);
  return texts;
}

/** One JavaScript string for each text. */
export function stringsOf({ bytes, offsets }: Texts): string[] {
  const strings: string[] = [];
  // One string for all and slices of it: four times as fast as a string for each.
  const all = bytes.length < MAX_SHARED && isAscii(bytes) ? bytes.toString('latin1') : undefined;
  for (let index = 1, start = 0; index < offsets.length; index++) {
    const end = offsets[index] ?? 0;
    strings.push(all?.substring(start, end) ?? bytes.toString('utf8', start, end));
    start = end;
  }
  return strings;
}

/** The texts at these positions, all of them inside. */
export function pickTexts({ bytes, offsets }: Texts, indices: Int32Array): Texts {
  const picked = indices.reduce(
    (ends, index, at) => {
      ends[at + 1] = (ends[at] ?? 0) + (offsets[index + 1] ?? 0) - (offsets[index] ?? 0);
      return ends;
    },
    new Float64Array(indices.length + 1),
  );
  const result = Buffer.allocUnsafeSlow(checkedLength(picked.at(-1) ?? 0));
  for (const [at, index] of indices.entries()) {
    bytes.copy(result, picked[at], offsets[index], offsets[index + 1]);
  }
  return { bytes: result, offsets: Int32Array.from(picked) };
}

/** Parts end to end. */
export function joinTexts(parts: readonly Texts[]): Texts {
  const bytes = parts.map((part) => part.bytes);
  const length = checkedLength(bytes.reduce((sum, part) => sum + part.length, 0));
  const offsets = new Int32Array(parts.reduce((sum, part) => sum + part.offsets.length - 1, 1));
  let [index, base] = [1, 0];
  for (const part of parts) {
    for (const end of part.offsets.subarray(1)) offsets[index++] = base + end;
    base += part.bytes.length;
  }
  return { bytes: Buffer.concat(bytes, length), offsets };
}

/** Ids and other short texts as one string that is written at once; undefined where that cannot be. */
function encodeShortAscii(texts: readonly string[]): Buffer | undefined {
  let all = '';
  for (const text of texts) {
    const length = SHORT_LENGTHS[text.length];
    if (length === undefined) return undefined;
    all += length + text;
  }
  return Buffer.byteLength(all) === all.length ? Buffer.from(all, 'latin1') : undefined;
}

function encodeAny(texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => {
    const length = Buffer.byteLength(text);
    // Half a surrogate pair has no UTF-8 form: Node would write another character in its place.
    if (length !== text.length && LONE_SURROGATE.test(text)) {
      throw new Error(
        `${JSON.stringify(text)} holds half a surrogate pair, which has no UTF-8 form`,
      );
    }
    return length;
  });
  const bytes = Buffer.allocUnsafe(
    checkedLength(lengths.reduce((sum, length) => sum + length + 4, 0)),
  );
  let position = 0;
  for (const [index, text] of texts.entries()) {
    const length = lengths[index] ?? 0;
    bytes.writeUInt32LE(length, position);
    bytes.write(text, position + 4, length);
    position += length + 4;
  }
  return bytes;
}

/** Moves the bytes from `start` to `end` to `target`, and returns where they end there. */
function moveText(bytes: Buffer, target: number, start: number, end: number): number {
  if (end - start >= LONG_TEXT) bytes.copyWithin(target, start, end);
  else for (let at = start; at < end; at++) bytes[target - start + at] = bytes[at] ?? 0;
  return target + end - start;
}

/** As `readUInt32LE`, which takes longer to check than to read. */
function lengthAt(bytes: Buffer, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  return (low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;
}

/** Each text must be UTF-8: all of them together are, and none begins inside a character. */
function checkUtf8({ bytes, offsets }: Texts): void {
  if (isAscii(bytes)) return;
  const isInside = (offset: number) => ((bytes[offset] ?? 0) & 0xc0) === 0x80;
  if (!isUtf8(bytes) || offsets.some(isInside)) throw new Error('a text is not UTF-8');
}

function checkedLength(bytes: number): number {
  if (bytes <= MAX_BYTES) return bytes;
  throw new Error(`${bytes} bytes of texts in one column, and there is room for less than 2 GiB`);
}

/** Below this a loop over the bytes is faster than a call that copies them. */
const LONG_TEXT = 16;

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Lengths below 128 as 4 characters, which are one byte each. */
const SHORT_LENGTHS = Array.from({ length: 128 }, (_, length) =>
  String.fromCharCode(length, 0, 0, 0),
);

// Slices keep the whole alive, and V8 has no strings of more than 512 MiB.
const MAX_SHARED = 2 ** 26;

const MAX_BYTES = 0x7f000000;
