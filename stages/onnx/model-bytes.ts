import { open } from 'node:fs/promises';

/** The model with what is added to it, in one buffer: weights may be half of the memory there is. */
export async function modelBytes(
  model: string | Uint8Array,
  appendix: Uint8Array = new Uint8Array(),
): Promise<Uint8Array> {
  if (typeof model !== 'string') return Buffer.concat([model, appendix]);
  const file = await open(model);
  try {
    const { size } = await file.stat();
    const bytes = Buffer.allocUnsafeSlow(size + appendix.length);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await file.read(bytes, at, Math.min(size - at, READ_BYTES), at);
      if (bytesRead === 0) throw new Error(`${model} became shorter while it was read`);
      at += bytesRead;
    }
    bytes.set(appendix, size);
    return bytes;
  } finally {
    await file.close();
  }
}

/** One read returns at most 2 GiB less a page. */
const READ_BYTES = 2 ** 30;
