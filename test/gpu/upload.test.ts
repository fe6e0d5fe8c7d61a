import { describe, expect, it } from "vitest";
import { uploadOutput } from "../../functions/gpu/upload.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { queued } from "../service/jobs/sample-job.ts";

const record = { ...queued, attempt: 1 };
const output = { name: "video.mp4", body: new Uint8Array([1, 2, 3]) };

/** Opens a store that refuses so many writes. */
function refusing(refusals: number, code: StoreError["code"]) {
  const store = memoryStore();
  let left = refusals;
  return {
    ...store,
    put: async (...args: Parameters<typeof store.put>) => {
      if (left === 0) return store.put(...args);
      left -= 1;
      throw new StoreError(code, "The store refuses a write.");
    },
  };
}

describe("the upload of a finished video", () => {
  it.each(["unavailable", "full", "denied"] as const)(
    "A video is stored although the first write finds the store %s.",
    async (code) => {
      const stored = await uploadOutput(refusing(1, code), record, output, new AbortController().signal);
      expect(stored).toMatchObject({ bytes: 3, contentType: "video/mp4" });
    },
  );

  it("An upload into a store that stays full ends when its attempt does.", async () => {
    const attempt = new AbortController();
    const store = refusing(Number.POSITIVE_INFINITY, "full");
    const upload = uploadOutput(store, record, output, attempt.signal);
    attempt.abort();
    await expect(upload).rejects.toThrow(/abort/);
  });
});
