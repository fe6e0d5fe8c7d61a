import { reasonOf } from "../../shared/reason-of.ts";

type Library = typeof import("@contentauth/c2pa-node");

/** Library of Content Credentials, or the sentence that says why there is none. */
export type Native =
  | { readonly library: Library; readonly missing: null }
  | { readonly library: null; readonly missing: string };

let loading: Promise<Native> | null = null;

/** Loads the library that signs and reads Content Credentials, an optional dependency with a native part. */
export function loadNative(): Promise<Native> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Native> {
  try {
    const library = await import("@contentauth/c2pa-node");
    // The native part is loaded by the first call.
    library.Builder.new();
    return { library, missing: null };
  } catch (error) {
    return { library: null, missing: missingSentence(error) };
  }
}

function missingSentence(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  const isAbsent = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
  const why = isAbsent ? `it has no build for ${process.platform} on ${process.arch} here` : reasonOf(error);
  return `The library of Content Credentials, @contentauth/c2pa-node, cannot be loaded: ${why}.`;
}
