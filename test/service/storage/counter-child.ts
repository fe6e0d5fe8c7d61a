import { openFolderStore, StoreError } from "../../../lib/service/storage/index.ts";
import { system } from "../../../lib/shared/system.ts";

/**
 * Increments the number under a key a number of times by compare-and-swap. Then prints how often the outcome
 * of a write was unknown.
 */
const [folder, key, times] = process.argv.slice(2);
const store = await openFolderStore(folder!, { signUrl: () => "", random: system.random });
let unknown = 0;

async function isAdded(): Promise<boolean> {
  const object = await store.get(key!);
  if (object === null) throw new Error("the counter is gone");
  const next = Number(new TextDecoder().decode(object.body)) + 1;
  try {
    const put = await store.put(key!, new TextEncoder().encode(`${next}`), { ifMatch: object.etag });
    return put.ok;
  } catch (error) {
    // So many other writes followed that the outcome of this one is unknown.
    if (!(error instanceof StoreError && error.code === "unavailable")) throw error;
    unknown += 1;
    return false;
  }
}

for (let done = 0; done < Number(times); ) if (await isAdded()) done += 1;
console.log(unknown);
