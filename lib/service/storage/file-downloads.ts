/** A file in a store, at the version that a listing saw. */
export interface StoredFile {
  /** Relative to what was listed. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly etag: string;
}

/** Both ends included, from 0. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What is to be read is not what was listed any more; the message is one sentence. */
export class ChangedFileError extends Error {
  override readonly name = "ChangedFileError";
}

/** Files too large for memory, on their way out of a store. Everything here rejects with StoreError. */
export interface FileDownloads {
  /** All files below the URL that was opened, ascending by path. */
  list(): Promise<readonly StoredFile[]>;
  /**
   * The metadata `sha256` in hex, which `FileUploads` writes; null for a file that came by another way.
   *
   * @throws ChangedFileError
   */
  sha256(file: StoredFile): Promise<string | null>;
  /**
   * The bytes of a range, in pieces as they come; a connection that breaks is taken up where it broke.
   *
   * @throws ChangedFileError
   */
  read(file: StoredFile, range: ByteRange): AsyncIterable<Uint8Array>;
}
