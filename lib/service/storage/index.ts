export { attachment } from "./attachment.ts";
export { type BucketOptions, openBucketStore } from "./bucket-store.ts";
export { everyKey } from "./every-key.ts";
export { digestFile, type FileDigest, LocalFileError } from "./file-digest.ts";
export { ChangedFileError, type FileDownloads, type StoredFile } from "./file-downloads.ts";
export type { FileUpload, FileUploads } from "./file-uploads.ts";
export type { FolderStoreOptions } from "./folder-store.ts";
export { openFolderStore } from "./folder-store.ts";
export { inLanes } from "./lanes.ts";
export type {
  Listing,
  ListOptions,
  ObjectStore,
  OpenObject,
  PutOptions,
  PutResult,
  ServedStore,
  SignedUrlOptions,
  StoredObject,
} from "./object-store.ts";
export { assertKey, StoreError } from "./object-store.ts";
export { openFileDownloads, openFileUploads, openStore } from "./open-store.ts";
export type { Change, Created, Records, RecordsOptions, Updated, Versioned } from "./records.ts";
export { RecordError, records, unlessDamaged } from "./records.ts";
export type { UrlCheck, UrlSigner, UrlSignerOptions } from "./signed-urls.ts";
export { urlSigner } from "./signed-urls.ts";
export { BrokenPromiseError, CHECKS_FOLDER, checkStorePromises } from "./store-promises.ts";
