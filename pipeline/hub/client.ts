import { z } from 'zod';
import type { HubEnvironment, HubReference } from './environment.ts';
import { HubRefusedError, HubTransferError } from './errors.ts';

/** A file of a repository as the hub lists it. */
export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  /** What its content hashes to: SHA-256 of large files, else SHA-1 of git's blob. */
  readonly digest: { readonly algorithm: 'sha256' | 'git-sha1'; readonly hex: string };
}

/** One model at one commit. */
export interface HubModel {
  readonly repository: string;
  /** 40 hex digits. */
  readonly commit: string;
  readonly files: readonly HubFile[];
  /** The bytes of a file as they come in. */
  open(file: HubFile): Promise<ReadableStream<Uint8Array>>;
}

/** Asks the hub what a revision is at this moment; everything after it speaks of that commit. */
export async function openHubModel(
  reference: HubReference,
  environment: HubEnvironment,
): Promise<HubModel> {
  // Loaded on demand: no other command needs it.
  const { fileDownloadInfo, listFiles, modelInfo } = await import('@huggingface/hub');
  const { repository, revision } = reference;
  const connection = {
    hubUrl: environment.endpoint,
    fetch: fetchAs(environment, reference),
  };
  const told = await modelInfo({
    name: repository,
    revision,
    additionalFields: ['sha'],
    ...connection,
  });
  const commit = commitSchema.safeParse(told.sha);
  if (!commit.success) throw new HubTransferError(repository, 'the hub told no commit');
  const repo = { type: 'model', name: repository } as const;
  const place = { repo, revision: commit.data, ...connection };
  const files: HubFile[] = [];
  for await (const { type, path, size, oid = '', lfs } of listFiles({
    ...place,
    recursive: true,
  })) {
    if (type !== 'file') continue;
    const digest =
      lfs === undefined
        ? ({ algorithm: 'git-sha1', hex: oid } as const)
        : ({ algorithm: 'sha256', hex: lfs.oid } as const);
    files.push({ path, bytes: lfs?.size ?? size, digest });
  }
  return {
    repository,
    commit: commit.data,
    files,
    async open({ path }) {
      const info = await fileDownloadInfo({ ...place, path });
      const response = info && (await connection.fetch(info.url));
      if (!response?.body) throw new HubTransferError(path, 'the hub has it no longer');
      return response.body;
    },
  };
}

/**
 * A fetch that turns refusals into failures. It gives the token to the hub only, by itself: the library
 * would refuse tokens of other hubs and would hand its own to any address that a listing names.
 */
function fetchAs({ endpoint, token }: HubEnvironment, reference: HubReference): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init?.headers);
    if (token !== undefined && url.origin === new URL(endpoint).origin) {
      headers.set('authorization', `Bearer ${token}`);
    }
    // Neither the query nor what it was redirected to is told: both may be signed.
    const what = `${url.origin}${url.pathname}`;
    const response = await fetch(url, { ...init, headers }).catch((error: unknown) => {
      throw new HubTransferError(what, `no answer: ${reasonOf(error)}`, error);
    });
    if (response.ok) return response;
    await response.body?.cancel();
    const { status } = response;
    if (REFUSALS.has(status)) throw new HubRefusedError(reference, status, token !== undefined);
    throw new HubTransferError(what, `the hub answered with status ${status}`);
  };
}

/** fetch hides what happened in its cause. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code, message } = (cause ?? {}) as NodeJS.ErrnoException;
  return code ?? message ?? String(error);
}

const REFUSALS: ReadonlySet<number> = new Set([401, 403, 404]);

const commitSchema = z.string().regex(/^[0-9a-f]{40}$/);
