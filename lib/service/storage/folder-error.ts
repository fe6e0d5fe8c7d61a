import { StoreError } from "./object-store.ts";

const FULL = ["full", "is full; free some space"] as const;
const DENIED = [
  "denied",
  "may not be written or read by this process; choose another one or its owner",
] as const;
const REASONS: Record<string, readonly [StoreError["code"], string]> = {
  ENOSPC: FULL,
  EDQUOT: ["full", "has used up its disk quota; free some space"],
  EACCES: DENIED,
  EROFS: ["denied", "is on a read-only disk; choose another one"],
  ENOTDIR: ["denied", "is not a folder, or one above it is not; choose another one"],
  EEXIST: ["denied", "is not a folder; choose another one"],
};
/** Error codes of `link` on a disk without hard links. */
const LINKLESS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

/** Turns a file system error into a StoreError that explains it; returns any other error unchanged. */
export function explanation(root: string, error: unknown): unknown {
  if (error instanceof StoreError || !(error instanceof Error) || !("syscall" in error)) return error;
  const { code = "", syscall } = error as NodeJS.ErrnoException;
  const [reason, what] =
    REASONS[code] ??
    (LINKLESS.includes(code) && syscall === "link"
      ? (["denied", "is on a disk without hard links; choose another one"] as const)
      : code === "EPERM"
        ? DENIED
        : (["unavailable", `does not work (${code || error.message})`] as const));
  return new StoreError(reason, `The data folder ${root} ${what}.`, { cause: error });
}
