import { rm } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openFolderStore } from "../../../lib/service/storage/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const key = fc.constantFrom("a", "a/b", "a/b/c", "a-b", "a0/b", "b");
const body = fc.uint8Array({ maxLength: 5 });
/** Index among all ETags so far, so that outdated ETags and those of other keys are tried too. */
const tag = fc.nat({ max: 5 });
const command = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), key, body }),
  fc.record({ kind: fc.constant("create" as const), key, body }),
  fc.record({ kind: fc.constant("replace" as const), key, body, tag }),
  fc.record({ kind: fc.constant("delete" as const), key }),
  fc.record({ kind: fc.constant("deleteIf" as const), key, tag }),
  fc.record({
    kind: fc.constant("list" as const),
    prefix: fc.constantFrom("", "a", "a/", "a/b", "b", "c/"),
    after: fc.constantFrom("", "a", "a/a", "a/b", "b"),
    limit: fc.integer({ min: 1, max: 4 }),
  }),
);

test("a folder store behaves like a map", async () => {
  const parent = temporaryFolder();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 25 }), async (commands) => {
      runs += 1;
      const folder = join(parent, String(runs));
      const store = await openFolderStore(folder, { signUrl: () => "", random: system.random });
      const model = new Map<string, { body: Uint8Array; etag: string }>();
      const tags = ["none"];
      for (const step of commands) {
        if (step.kind === "list") {
          const { prefix, after, limit } = step;
          const all = [...model.keys()].sort().filter((key) => key.startsWith(prefix) && key > after);
          const expected = { keys: all.slice(0, limit), isTruncated: all.length > limit };
          expect(await store.list(prefix, { after, limit })).toEqual(expected);
          continue;
        }
        const current = model.get(step.key);
        const etag = "tag" in step ? tags.at(-1 - step.tag) : undefined;
        const condition = etag === undefined ? {} : { ifMatch: etag };
        if (step.kind === "delete" || step.kind === "deleteIf") {
          const isExpected = etag === undefined || current?.etag === etag;
          expect(await store.delete(step.key, condition)).toBe(isExpected);
          if (isExpected) model.delete(step.key);
        } else {
          const isExpected = step.kind === "create" ? !current : etag === undefined || current?.etag === etag;
          const options = step.kind === "create" ? { ifAbsent: true } : condition;
          const result = await store.put(step.key, step.body, options);
          expect(result.ok).toBe(isExpected);
          if (result.ok) {
            expect(tags).not.toContain(result.etag);
            tags.push(result.etag);
            model.set(step.key, { body: step.body, etag: result.etag });
          }
        }
        expect(await store.get(step.key)).toEqual(model.get(step.key) ?? null);
      }
      await rm(folder, { recursive: true });
    }),
    { numRuns: 40 },
  );
});

test("every version has at most one successor, and only one first version exists at a time", async () => {
  const store = await openFolderStore(temporaryFolder(), { signUrl: () => "", random: system.random });
  const replaced: string[] = [];
  const deleted: string[] = [];
  let created = 0;
  let unknown = 0;
  const bodyOf = (worker: number, step: number) => Uint8Array.of(worker, step);

  async function work(worker: number): Promise<void> {
    for (let step = 0; step < 60; step += 1) {
      const etag = (await store.get("a/b"))?.etag;
      try {
        if (etag === undefined) {
          if ((await store.put("a/b", bodyOf(worker, step), { ifAbsent: true })).ok) created += 1;
        } else if (step % 4 === 3) {
          if (await store.delete("a/b", { ifMatch: etag })) deleted.push(etag);
        } else if ((await store.put("a/b", bodyOf(worker, step), { ifMatch: etag })).ok) replaced.push(etag);
      } catch (error) {
        // The only unknown outcome of a folder store: a write that may have been made just before a deletion.
        unknown += 1;
        expect(error).toMatchObject({
          name: "StoreError",
          message: expect.stringMatching(/changed so often meanwhile/),
        });
      }
    }
  }

  await Promise.all(Array.from({ length: 8 }, (_, worker) => work(worker)));
  const consumed = [...replaced, ...deleted];
  expect(new Set(consumed).size).toBe(consumed.length);
  const ended = created - ((await store.get("a/b")) === null ? 0 : 1);
  expect(ended).toBeGreaterThanOrEqual(deleted.length);
  expect(ended).toBeLessThanOrEqual(deleted.length + unknown);
});
