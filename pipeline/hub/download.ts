import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { atomicFile } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';
import { type HubFile, type HubModel, reasonOf } from './client.ts';
import { HubTransferError } from './errors.ts';

/** Fetches a file unless it is there whole: under a temporary name, checked, then renamed. */
export async function download(
  model: HubModel,
  file: HubFile,
  folder: string,
): Promise<'fetched' | 'kept'> {
  const path = join(folder, ...file.path.split('/'));
  if (await isWhole(path, file)) return 'kept';
  await atomicFile(path, async (temporary) => {
    const found = await receive(model, file, temporary);
    if (found.bytes !== file.bytes) {
      const problem = `${found.bytes} bytes came in, the hub told ${file.bytes}`;
      throw new HubTransferError(file.path, problem);
    }
    if (found.hex !== file.digest.hex) {
      throw new HubTransferError(file.path, 'what came in has another checksum than the hub told');
    }
  });
  return 'fetched';
}

/** The file is there with the bytes that the hub tells of. */
export async function isWhole(path: string, file: HubFile): Promise<boolean> {
  if (!existsSync(path) || statSync(path).size !== file.bytes) return false;
  const hash = hashFor(file);
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex') === file.digest.hex;
}

async function receive(model: HubModel, file: HubFile, path: string) {
  const hash = hashFor(file);
  let bytes = 0;
  try {
    const body = await model.open(file);
    const counted = async function* (source: AsyncIterable<Uint8Array>) {
      for await (const chunk of source) {
        hash.update(chunk);
        bytes += chunk.length;
        yield chunk;
      }
    };
    await pipeline(Readable.from(body), counted, createWriteStream(path));
  } catch (error) {
    // A full disk is no fault of the hub.
    const { syscall } = (error ?? {}) as NodeJS.ErrnoException;
    if (error instanceof Failure || syscall === 'write' || syscall === 'open') throw error;
    throw new HubTransferError(file.path, `the transfer broke: ${reasonOf(error)}`, error);
  }
  return { bytes, hex: hash.digest('hex') };
}

function hashFor({ digest, bytes }: HubFile): Hash {
  if (digest.algorithm === 'sha256') return createHash('sha256');
  return createHash('sha1').update(`blob ${bytes}\0`);
}
