import { Failure } from '#cache/failure.ts';

/** A corpus file is not there or cannot be opened. */
export class UnreadableCorpusFileError extends Failure {
  constructor(path: string, cause: Error) {
    const missing = 'code' in cause && cause.code === 'ENOENT';
    super(
      'data',
      missing ? 'E_CORPUS_MISSING' : 'E_CORPUS_UNREADABLE',
      missing ? `${path}: no such file` : `${path}: ${cause.message}`,
      'set corpus.train, corpus.validation and corpus.test to files that exist; paths are relative to decant.yaml',
      { cause },
    );
  }
}

/** The extension says none of the kinds that we read. */
export class UnknownCorpusKindError extends Failure {
  constructor(path: string, kinds: readonly string[]) {
    super(
      'usage',
      'E_CORPUS_KIND',
      `${path}: unknown kind of corpus file`,
      `name it by what it holds: ${kinds.join(', ')}, each also with .gz behind it`,
    );
  }
}

/** A .gz file ends too early or is not gzip at all. */
export class BrokenGzipError extends Failure {
  constructor(path: string, cause: Error) {
    super(
      'data',
      'E_CORPUS_GZIP',
      `${path}: gzip stream is broken: ${cause.message}`,
      'copy the file again, and check it with: gzip --test FILE',
      { cause },
    );
  }
}

/** The file as a whole is in another encoding. */
export class NotUtf8Error extends Failure {
  constructor(path: string, byte: number, detail: string) {
    super(
      'data',
      'E_CORPUS_ENCODING',
      `${path}: not UTF-8 at byte ${byte}: ${detail}`,
      'convert it, for example: iconv -f ISO-8859-1 -t UTF-8 FILE > NEW (or -f UTF-16)',
    );
  }
}

/** A table file without even a header line. */
export class NoHeaderError extends Failure {
  constructor(path: string) {
    super(
      'data',
      'E_CORPUS_EMPTY',
      `${path}: empty file, not even a header line`,
      'begin the file with a line of column names, or take it out of corpus',
    );
  }
}

/** The header lacks a column that has to be there, or has it twice. */
export class ColumnError extends Failure {
  constructor(path: string, role: string, column: string, header: readonly string[]) {
    const times = header.filter((name) => name === column).length;
    super(
      'data',
      'E_CORPUS_COLUMN',
      `${path}: ${times === 0 ? 'no' : `${times} times the`} column "${column}" (columns: ${header.join(', ')})`,
      `set ${role === 'slices' ? 'evaluate.slices to names of columns' : `corpus.columns.${role} to the name of the column`}, once in the header`,
    );
  }
}

/** After a wrong quote nobody knows where rows begin and end, so the file is refused as a whole. */
export class BrokenQuotesError extends Failure {
  constructor(path: string, line: number, detail: string) {
    super(
      'data',
      'E_CORPUS_QUOTES',
      `${path}: row that begins on line ${line}: ${detail}`,
      'close the quote, and write a quote inside a quoted field twice: "say ""hi"""',
    );
  }
}

/** An IDX file whose header and bytes do not fit. */
export class BrokenIdxError extends Failure {
  constructor(path: string, problem: string) {
    super(
      'data',
      'E_CORPUS_IDX',
      `${path}: ${problem}`,
      'give the files as they were published (bytes, big-endian sizes), with .gz or without',
    );
  }
}
