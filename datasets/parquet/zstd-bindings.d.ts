// The native half of @mongodb-js/zstd 1.2.2 has no types of its own.

declare module '@mongodb-js/zstd/bindings.js' {
  const zstd: {
    compress(bytes: Buffer, level?: number): Promise<Buffer>;
    decompress(bytes: Buffer): Promise<Buffer>;
  };
  export default zstd;
}
