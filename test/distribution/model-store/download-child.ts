import { downloadModel } from "../../../lib/distribution/model-store/index.ts";
import { openFileDownloads } from "../../../lib/service/storage/index.ts";

/** Downloads the model at the URL in the first argument into the folder in the second. */
const [url, cacheFolder] = process.argv.slice(2);
const downloads = await openFileDownloads(url!, { sleep: async () => undefined });
await downloadModel({ name: "wan", downloads, cacheFolder: cacheFolder!, onProgress() {} });
