import {
  checkStorePromises,
  openStore,
  type ServedStore,
  type UrlSigner,
} from "../../lib/service/storage/index.ts";
import { system } from "../../lib/shared/system.ts";

/**
 * Opens the store of a service. URLs of its files are the service's own, whatever the store is: clients need not reach
 * the server of a bucket, and every instance with the same master key serves the URLs of the others.
 *
 * @throws RangeError, StoreError or BrokenPromiseError, as {@link openCheckedStore}
 */
export async function openOwnStore(url: string, signUrl: UrlSigner["sign"]): Promise<ServedStore> {
  const store = await openCheckedStore(url, signUrl);
  return { ...store, signedUrl: async (...args) => signUrl(...args) };
}

/**
 * Opens a store. A bucket has to show first that it keeps the promises of a store, of which some servers lack some.
 *
 * @throws RangeError in one sentence if the URL names no store
 * @throws StoreError, BrokenPromiseError in one sentence if the store cannot be used
 */
export async function openCheckedStore(
  url: string,
  signUrl: UrlSigner["sign"] = () => "",
): Promise<ServedStore> {
  const store = await openStore(url, { signUrl });
  if (isBucket(url)) await checkStorePromises(store, system.random);
  return store;
}

/** Returns whether the URL of a store names a bucket, whose requests cost time and perhaps money. */
export function isBucket(url: string): boolean {
  return url.startsWith("s3:");
}
