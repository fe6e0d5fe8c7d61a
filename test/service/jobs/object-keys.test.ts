import fc from "fast-check";
import { expect, it } from "vitest";
import { jobOfKey, newVideoId } from "../../../lib/service/jobs/index.ts";
import { jobKey, undeliveredKey, unfinishedKey } from "../../../lib/service/jobs/object-keys.ts";

const refs = fc
  .record({
    tenant: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/),
    now: fc.nat(2 ** 44),
    random: fc.uint8Array({ minLength: 10, maxLength: 10 }),
  })
  .map(({ tenant, now, random }) => ({ tenant, id: newVideoId({ now: () => now }, () => random) }));

it("the keys of a job's record and markers name its tenant and id", () => {
  fc.assert(
    fc.property(refs, (ref) => {
      const keys = [jobKey(ref), unfinishedKey({ ...ref, keyId: "key" }), undeliveredKey(ref)];
      expect(keys.map(jobOfKey)).toEqual([ref, ref, ref]);
    }),
  );
});

it("no other key is parsed as a record or a marker", () => {
  const { tenant, id } = fc.sample(refs, 1)[0]!;
  const record = jobKey({ tenant, id });
  for (const key of [
    "",
    "jobs/",
    `jobs/${tenant}/${id}`,
    record.replace(/\.json$/, ""),
    record.replace("video_", "image_"),
    record.replace("jobs/", "artifacts/"),
    `jobs/${tenant}/more/${record.split("/").at(-1)}`,
    `unfinished/${tenant}/${id}`,
    `undelivered//${id}`,
    `undelivered/${tenant}/${id}x`,
    `constructor/${tenant}/${id}`,
  ]) {
    expect(jobOfKey(key), key).toBeNull();
  }
});
