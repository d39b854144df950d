/** A line of a file without its line feed. */
export interface Line {
  readonly bytes: Buffer;
  /** From 1. */
  readonly line: number;
  /** Of its first byte in the stream. */
  readonly offset: number;
}

/** Lines of a stream of bytes; the last one may end without a line feed. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line, void, void> {
  let line = 1;
  let offset = 0;
  // The open line as a list of parts: joining it at every chunk would be quadratic for a very long one.
  let open: Buffer[] = [];
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, from)) {
      const bytes = Buffer.concat([...open, chunk.subarray(from, end)]);
      yield { bytes, line, offset };
      open = [];
      line += 1;
      offset += bytes.length + 1;
      from = end + 1;
    }
    if (from < chunk.length) open.push(chunk.subarray(from));
  }
  if (open.length > 0) yield { bytes: Buffer.concat(open), line, offset };
}

const lineFeed = 0x0a;
