/** File in a store, at the version that was listed. */
export interface StoredFile {
  /** Path relative to the URL that was opened. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly etag: string;
}

/** Byte range; both ends are included, and counted from 0. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Error of a file that has changed or disappeared since it was listed. The message is one sentence. */
export class ChangedFileError extends Error {
  override readonly name = "ChangedFileError";
}

/** Downloads of files that are too large for memory. All methods may reject with StoreError. */
export interface FileDownloads {
  /** Lists all files below the URL that was opened, ascending by path. */
  list(): Promise<readonly StoredFile[]>;
  /**
   * Reads the metadata `sha256` in hex, which `FileUploads` writes; null for a file that was stored by other means.
   *
   * @throws ChangedFileError
   */
  sha256(file: StoredFile): Promise<string | null>;
  /**
   * Reads a range in pieces, as they arrive. After a broken connection it continues where it broke.
   *
   * @throws ChangedFileError
   */
  read(file: StoredFile, range: ByteRange): AsyncIterable<Uint8Array>;
}
