import { openStore, type ServedStore, type UrlSigner } from "../../lib/service/storage/index.ts";

/**
 * Opens the store of a service. URLs of its files are the service's own, whatever the store is: clients need not reach
 * the server of a bucket, and every instance that has the same master key serves the URLs of the others.
 *
 * @throws RangeError in one sentence if the URL names no store
 * @throws StoreError if the store cannot be used
 */
export async function openOwnStore(url: string, signUrl: UrlSigner["sign"]): Promise<ServedStore> {
  const store = await openStore(url, { signUrl });
  return { ...store, signedUrl: async (...args) => signUrl(...args) };
}
