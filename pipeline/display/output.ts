import { createReadStream, statSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atomicFile } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';

/** Bytes that no terminal can show. */
export class BinaryOutputError extends Failure {
  constructor(format: string) {
    super(
      'usage',
      'E_BINARY_OUTPUT',
      `${format} is binary, and a terminal cannot show it`,
      'name a file with --output FILE, or pipe it into another program',
    );
  }
}

export class OutputFileError extends Failure {
  constructor(path: string) {
    super('usage', 'E_OUTPUT', `${path} is a folder`, 'name a file with --output FILE');
  }
}

/** Writes chunks to a file (atomic), or to stdout where none is named; waits for slow readers. */
export async function writeChunks(
  chunks: AsyncIterable<string | Uint8Array>,
  file: string | undefined,
): Promise<void> {
  if (file === undefined) return toStdout(chunks);
  refuseFolder(file);
  await atomicFile(file, async (temporary) => {
    const handle = await open(temporary, 'w');
    try {
      for await (const chunk of chunks) await handle.writeFile(chunk);
    } finally {
      await handle.close();
    }
  });
}

/** Lets `write` fill a file (atomic); without a name the file goes to stdout and is removed. */
export async function writeWholeFile(
  write: (path: string) => Promise<void>,
  file: string | undefined,
): Promise<void> {
  if (file !== undefined) {
    refuseFolder(file);
    return atomicFile(file, write);
  }
  const folder = await mkdtemp(join(tmpdir(), 'decant-'));
  try {
    const path = join(folder, 'output');
    await write(path);
    await toStdout(createReadStream(path));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Throws where stdout is a terminal and the format is not text. */
export function refuseTerminal(format: string, file: string | undefined): void {
  if (file === undefined && process.stdout.isTTY === true) throw new BinaryOutputError(format);
}

async function toStdout(chunks: AsyncIterable<string | Uint8Array>): Promise<void> {
  const { stdout } = process;
  // Without a listener the error of a closed pipe would end the process before the promise rejects.
  const ignore = () => undefined;
  stdout.on('error', ignore);
  try {
    for await (const chunk of chunks) {
      await new Promise<void>((resolve, reject) => {
        stdout.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
    }
  } catch (error) {
    // `decant ... | head`: the reader has what it wanted.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  } finally {
    stdout.off('error', ignore);
  }
}

function refuseFolder(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new OutputFileError(file);
  }
}
