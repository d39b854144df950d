import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import { setupCommand } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/** @typedef {{ name: string, method: number, storedSize: number, size: number, offset: number }} Entry */

/**
 * Takes some files out of a zip file, reading only their bytes. Enough for wheels: stored and
 * deflated entries below 4 GiB; the caller has checked the digest of the whole file.
 * @param {string} file
 * @param {{ take: RegExp, into: string }} options take: which names
 * @returns {Promise<{ files: number, bytes: number }>}
 */
export async function extractZip(file, { take, into }) {
  const entries = readEntries(file).filter(({ name }) => take.test(name) && !name.endsWith('/'));
  if (entries.length === 0) throw broken(file, `holds no file that matches ${take}`);
  for (const entry of entries) await extract(file, entry, into);
  return { files: entries.length, bytes: entries.reduce((sum, entry) => sum + entry.size, 0) };
}

/**
 * @param {string} file
 * @returns {Entry[]}
 */
function readEntries(file) {
  const descriptor = fs.openSync(file, 'r');
  try {
    return parseDirectory(file, readDirectory(file, descriptor));
  } finally {
    fs.closeSync(descriptor);
  }
}

/**
 * The central directory; the record that tells where it is comes last in the file.
 * @param {string} file
 * @param {number} descriptor
 */
function readDirectory(file, descriptor) {
  const { size } = fs.fstatSync(descriptor);
  const tailSize = Math.min(size, END_RECORD_SIZE + LONGEST_COMMENT);
  const tail = readAt(descriptor, tailSize, size - tailSize);
  const end = tail.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  if (end < 0 || end + END_RECORD_SIZE > tail.length) throw broken(file, 'is not a zip file');
  return readAt(descriptor, tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16));
}

/**
 * @param {string} file
 * @param {Buffer} directory
 */
function parseDirectory(file, directory) {
  /** @type {Entry[]} */
  const entries = [];
  for (let at = 0; at + DIRECTORY_HEADER_SIZE <= directory.length; ) {
    if (directory.readUInt32LE(at) !== DIRECTORY_SIGNATURE) {
      throw broken(file, 'has a broken central directory');
    }
    const nameEnd = at + DIRECTORY_HEADER_SIZE + directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString('utf8', at + DIRECTORY_HEADER_SIZE, nameEnd),
      method: directory.readUInt16LE(at + 10),
      storedSize: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    });
    at = nameEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

/**
 * @param {string} file
 * @param {Entry} entry
 * @param {string} into
 */
async function extract(file, entry, into) {
  if (!isInside(entry.name))
    throw broken(file, `holds ${entry.name}, which leads out of the folder`);
  if (entry.size === ZIP64 || (entry.method !== STORED && entry.method !== DEFLATED)) {
    throw broken(file, `holds ${entry.name} in a form that is not supported`);
  }
  const target = path.join(into, entry.name);
  const temporary = `${target}.tmp`;
  fs.mkdirSync(path.dirname(target), { recursive: true });
  // Wheels do not carry modes in a form we read: what lies in bin/ has to be executable.
  const sink = fs.createWriteStream(temporary, {
    mode: /\/bin\//.test(entry.name) ? 0o755 : 0o644,
  });
  if (entry.storedSize === 0) await pipeline([], sink);
  else await copyContent(file, entry, sink);
  if (fs.statSync(temporary).size !== entry.size) throw broken(file, `is damaged at ${entry.name}`);
  fs.renameSync(temporary, target);
}

/**
 * @param {string} file
 * @param {Entry} entry
 * @param {fs.WriteStream} sink
 */
async function copyContent(file, entry, sink) {
  const start = contentStart(file, entry.offset);
  const end = start + entry.storedSize - 1;
  const content = fs.createReadStream(file, { start, end, highWaterMark: CHUNK });
  if (entry.method === STORED) await pipeline(content, sink);
  else await pipeline(content, zlib.createInflateRaw({ chunkSize: CHUNK }), sink);
}

/**
 * The header before the content repeats the name, with extra fields of its own.
 * @param {string} file
 * @param {number} offset
 */
function contentStart(file, offset) {
  const descriptor = fs.openSync(file, 'r');
  try {
    const header = readAt(descriptor, LOCAL_HEADER_SIZE, offset);
    return offset + LOCAL_HEADER_SIZE + header.readUInt16LE(26) + header.readUInt16LE(28);
  } finally {
    fs.closeSync(descriptor);
  }
}

/**
 * @param {number} descriptor
 * @param {number} length
 * @param {number} position
 */
function readAt(descriptor, length, position) {
  const bytes = Buffer.alloc(length);
  fs.readSync(descriptor, bytes, 0, length, position);
  return bytes;
}

/** @param {string} name */
function isInside(name) {
  return !path.isAbsolute(name) && !name.split(/[/\\]/).includes('..');
}

/**
 * @param {string} file
 * @param {string} what
 */
function broken(file, what) {
  return new SetupError(
    'failed',
    `${file} ${what}`,
    `remove the file and run \`${setupCommand()}\` again`,
  );
}

const STORED = 0;
const DEFLATED = 8;
const ZIP64 = 0xffffffff;
const CHUNK = 1 << 20;
const LOCAL_HEADER_SIZE = 30;
const DIRECTORY_HEADER_SIZE = 46;
const DIRECTORY_SIGNATURE = 0x02014b50;
const END_RECORD_SIZE = 22;
const LONGEST_COMMENT = 0xffff;
