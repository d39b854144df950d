import { Failure } from '#cache/failure.ts';

/** The bytes of a Parquet file are not what its writer left: torn, truncated or changed. */
export class CorruptParquetError extends Failure {
  constructor(file: string, what: string, options?: ErrorOptions) {
    super('corrupt', 'E_PARQUET_CORRUPT', `${file}: ${what}`, repair, options);
  }
}

/** A valid Parquet file that uses something this reader does not know. */
export class UnsupportedParquetError extends Failure {
  constructor(file: string, column: string, what: string) {
    const fix = 'rewrite the file, for example with DuckDB: COPY (FROM in.parquet) TO out.parquet';
    super('data', 'E_PARQUET_UNSUPPORTED', `${file}: column "${column}": ${what}`, fix);
  }
}

/** Thrown inside the reader, where file and column are not known; becomes an UnsupportedParquetError. */
export class UnsupportedFeature extends Error {}

/** A column is not in the file, or holds another type than was asked for. */
export class ParquetColumnError extends Failure {
  constructor(file: string, column: string, what: string) {
    super('data', 'E_PARQUET_COLUMN', `${file}: column "${column}" ${what}`, regenerate);
  }
}

/** Rows that cannot be written as they are. */
export class ParquetValueError extends Failure {
  constructor(file: string, column: string, what: string, options?: ErrorOptions) {
    const fix = 'correct the rows handed to the writer; nothing was published';
    super('data', 'E_PARQUET_VALUE', `${file}: column "${column}": ${what}`, fix, options);
  }
}

/** The disk, the quota or the file size limit is used up. */
export class DiskFullError extends Failure {
  constructor(file: string, cause: Error) {
    const fix = 'free some space (decant cache gc) and run the same command again: it resumes';
    super('retry', 'E_DISK_FULL', `${file}: cannot write: ${cause.message}`, fix, { cause });
  }
}

const repair = 'decant cache verify --repair';
const regenerate = 'make the file again with this version of Decant: decant run --force';
