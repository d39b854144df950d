import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The file into which ONNX Runtime writes what it does, in a folder of its own. */
export interface Profile {
  /** For the session's options. */
  readonly settings: { readonly enableProfiling: true; readonly profileFilePrefix: string };
  /** What was written, once the profiling has ended. The file is removed. */
  read(): Promise<unknown>;
  remove(): Promise<void>;
}

/** Makes the place for a profile: ONNX Runtime adds a time of its own to the file's name. */
export async function openProfile(): Promise<Profile> {
  const folder = await mkdtemp(join(tmpdir(), 'decant-profile-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  return {
    settings: { enableProfiling: true, profileFilePrefix: join(folder, 'run') },
    async read() {
      const [name = ''] = await readdir(folder);
      const text = await readFile(join(folder, name), 'utf8');
      await remove();
      return JSON.parse(text) as unknown;
    },
    remove,
  };
}
