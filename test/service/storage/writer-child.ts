import { openFolderStore, StoreError } from "../../../lib/service/storage/index.ts";
import { system } from "../../../lib/shared/system.ts";

/** Creates, replaces and deletes a few objects at random until it is killed. */
const [folder] = process.argv.slice(2);
const store = await openFolderStore(folder!, { signUrl: () => "", random: system.random });
console.log("ready");
for (;;) {
  const key = `a/${Math.floor(Math.random() * 3)}/b`;
  // A body that reveals truncation: a letter repeated 1 to 30,000 times, and the count.
  const length = 1 + Math.floor(Math.random() * 30_000);
  const body = new TextEncoder().encode(`${"x".repeat(length)}${length}`);
  try {
    const etag = (await store.get(key))?.etag;
    const choice = Math.random();
    if (choice < 0.2) await store.delete(key, etag === undefined ? {} : { ifMatch: etag });
    else if (choice < 0.4) await store.put(key, body);
    else await store.put(key, body, etag === undefined ? { ifAbsent: true } : { ifMatch: etag });
  } catch (error) {
    if (!(error instanceof StoreError && /changed so often meanwhile/.test(error.message))) throw error;
  }
}
