import { openFolderStore } from "../../lib/storage/index.ts";

/** Adds one to the number under a key, so many times, by compare-and-swap; then says so. */
const [folder, key, times] = process.argv.slice(2);
const store = await openFolderStore(folder!, { signUrl: () => "" });
for (let done = 0; done < Number(times); ) {
  const object = await store.get(key!);
  if (object === null) throw new Error("the counter is gone");
  const next = Number(new TextDecoder().decode(object.body)) + 1;
  const result = await store.put(key!, new TextEncoder().encode(`${next}`), { ifMatch: object.etag });
  if (result.ok) done += 1;
}
console.log("done");
