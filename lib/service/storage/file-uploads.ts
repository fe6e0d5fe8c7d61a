import type { FileDigest } from "./file-digest.ts";
import type { ObjectStore } from "./object-store.ts";

/** A local file on its way to a key. */
export interface FileUpload {
  readonly key: string;
  readonly contentType: string;
  readonly file: FileDigest;
}

export interface UploadOptions {
  readonly signal: AbortSignal;
  /** Told of bytes that need not be sent any more, since they were sent or were there already. */
  readonly onBytes: (byteCount: number, from: "sent" | "present") => void;
}

/** Files too large for memory, on their way into a store. */
export interface FileUploads {
  /** Where the files go. */
  readonly store: ObjectStore;
  /**
   * Stores the files, each with its SHA-256 in hex as the metadata `sha256`. Files that are there already are left as
   * they are, and one whose upload was broken off is gone on with.
   *
   * @throws StoreError, LocalFileError, or what `signal` was aborted with; a repetition goes on from there
   */
  upload(uploads: readonly FileUpload[], options: UploadOptions): Promise<void>;
}
