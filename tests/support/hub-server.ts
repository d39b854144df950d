import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A model as it lies on the hub. */
export interface HubRepository {
  readonly commit: string;
  readonly files: Readonly<Record<string, Buffer>>;
  /** Shown to this token only. */
  readonly token?: string;
}

/** A local server that speaks as much of the hub's API as a download needs. */
export interface HubServer {
  readonly endpoint: string;
  readonly repositories: Map<string, HubRepository>;
  /** Requests to the hub and to the server that it redirects large files to, in their order. */
  readonly requests: { readonly path: string; readonly authorization: string | undefined }[];
  /** What happens to the next large file. */
  trouble: 'none' | 'cut' | 'other bytes';
  close(): Promise<void>;
}

/** Starts it. Files of at least 1 KiB are large: SHA-256 in the listing, a redirect to another origin. */
export async function startHubServer(): Promise<HubServer> {
  const repositories: HubServer['repositories'] = new Map();
  const requests: HubServer['requests'] = [];
  const storage = createServer((request, response) => {
    note(request);
    const [, name = '', path = ''] = /^\/store\/(.+?)\/files\/(.+)$/.exec(urlOf(request)) ?? [];
    sendFile(request, response, repositories.get(name)?.files[path], server);
  });
  const hub = createServer((request, response) => {
    note(request);
    answer(request, response, repositories, () => addressOf(storage));
  });
  const note = (request: IncomingMessage) =>
    requests.push({ path: urlOf(request), authorization: request.headers.authorization });
  for (const one of [hub, storage]) await once(one.listen(0, '127.0.0.1'), 'listening');
  const server: HubServer = {
    endpoint: addressOf(hub),
    repositories,
    requests,
    trouble: 'none',
    async close() {
      for (const one of [hub, storage]) {
        one.closeAllConnections();
        await once(one.close(), 'close');
      }
    },
  };
  return server;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  repositories: HubServer['repositories'],
  storage: () => string,
): void {
  const path = urlOf(request);
  const info = /^\/api\/models\/(.+)\/revision\/([^/]+)$/.exec(path);
  const tree = /^\/api\/models\/(.+)\/tree\/([^/]+)$/.exec(path);
  const file = /^\/(.+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
  const name = (info ?? tree ?? file)?.[1] ?? '';
  const revision = decodeURIComponent((info ?? tree ?? file)?.[2] ?? '');
  const repository = repositories.get(name);
  const { authorization } = request.headers;
  // As the hub: what may not be seen looks like what is not there.
  const isHidden =
    repository?.token !== undefined && authorization !== `Bearer ${repository.token}`;
  if (repository === undefined || isHidden) {
    return sendJson(response, authorization === undefined ? 401 : 404, { error: 'not found' });
  }
  if (revision !== 'main' && revision !== repository.commit) {
    return sendJson(response, 404, { error: `Invalid rev id: ${revision}` });
  }
  if (info !== null) return sendJson(response, 200, modelInfo(name, repository));
  if (tree !== null) return sendJson(response, 200, listing(repository));
  const content = repository.files[file?.[3] ?? ''];
  if (content === undefined || content.length < LARGE_BYTES) {
    return sendFile(request, response, content, undefined);
  }
  const location = `${storage()}/store/${name}/files/${file?.[3]}?signature=secret`;
  response.writeHead(302, { location, 'x-linked-size': content.length }).end();
}

function modelInfo(name: string, { commit, files }: HubRepository): object {
  return {
    _id: '1',
    id: name,
    sha: commit,
    private: false,
    gated: false,
    downloads: 1,
    likes: 1,
    lastModified: '2026-01-01T00:00:00.000Z',
    siblings: Object.keys(files).map((rfilename) => ({ rfilename })),
  };
}

function listing({ files }: HubRepository): object[] {
  const folders = new Set(Object.keys(files).flatMap((path) => path.split('/').slice(0, -1)));
  return [
    ...[...folders].map((path) => ({ type: 'directory', path, size: 0, oid: '0' })),
    ...Object.entries(files).map(([path, content]) => ({
      type: 'file',
      path,
      size: content.length,
      oid: createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex'),
      ...(content.length < LARGE_BYTES
        ? {}
        : {
            lfs: {
              oid: createHash('sha256').update(content).digest('hex'),
              size: content.length,
              pointerSize: 130,
            },
          }),
    })),
  ];
}

function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer | undefined,
  server: HubServer | undefined,
): void {
  if (content === undefined) return sendJson(response, 404, { error: 'Entry not found' });
  const etag = `"${content.length}"`;
  if (request.headers.range === 'bytes=0-0') {
    const headers = { etag, 'content-range': `bytes 0-0/${content.length}` };
    response.writeHead(206, headers).end(content.subarray(0, 1));
    return;
  }
  const trouble = server?.trouble ?? 'none';
  if (server !== undefined) server.trouble = 'none';
  response.writeHead(200, { etag, 'content-length': content.length });
  if (trouble === 'cut') {
    response.write(content.subarray(0, content.length / 2), () => response.destroy());
    return;
  }
  response.end(trouble === 'other bytes' ? Buffer.from(content).fill(7, 0, 9) : content);
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function urlOf({ url = '' }: IncomingMessage): string {
  return url.replace(/\?.*$/, '');
}

function addressOf(server: Server): string {
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

const LARGE_BYTES = 1024;
