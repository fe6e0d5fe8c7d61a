import type { FileDigest } from "./file-digest.ts";
import type { ObjectStore } from "./object-store.ts";

/** Local file to be stored under a key. */
export interface FileUpload {
  readonly key: string;
  readonly contentType: string;
  readonly file: FileDigest;
}

export interface UploadOptions {
  readonly signal: AbortSignal;
  /** Called with a number of bytes that were sent, or that the store had already. */
  readonly onBytes: (byteCount: number, from: "sent" | "present") => void;
}

/** Uploads of files that are too large for memory. */
export interface FileUploads {
  /** Store that receives the files. */
  readonly store: ObjectStore;
  /**
   * Stores the files, each with its SHA-256 in hex as the metadata `sha256`. Files that the store has already are not
   * sent again, and an interrupted upload continues.
   *
   * @throws StoreError, LocalFileError, or the reason with which `signal` was aborted; a second call continues
   */
  upload(uploads: readonly FileUpload[], options: UploadOptions): Promise<void>;
}
