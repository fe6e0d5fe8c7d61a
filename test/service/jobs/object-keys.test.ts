import fc from "fast-check";
import { expect, it } from "vitest";
import { jobOfKey, newVideoId } from "../../../lib/service/jobs/index.ts";
import {
  jobKey,
  undeliveredFrom,
  undeliveredKey,
  undeliveredOfKey,
  unfinishedKey,
} from "../../../lib/service/jobs/object-keys.ts";

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
      const markers = [undeliveredKey({ ...ref, dueAt: null }), undeliveredKey({ ...ref, dueAt: 1.7e12 })];
      const keys = [jobKey(ref), unfinishedKey({ ...ref, keyId: "key" }), ...markers];
      expect(keys.map(jobOfKey)).toEqual(keys.map(() => ref));
    }),
  );
});

it("the key of an undelivered marker has its time, and sorts by it", () => {
  const dueAt = fc.nat(9_999_999_999_998);
  fc.assert(
    fc.property(refs, refs, dueAt, dueAt, (ref, other, first, second) => {
      const keys = [undeliveredKey({ ...ref, dueAt: first }), undeliveredKey({ ...other, dueAt: second })];
      expect(keys.map(undeliveredOfKey)).toEqual([
        { ...ref, dueAt: first },
        { ...other, dueAt: second },
      ]);
      if (first !== second) expect(keys[0]! < keys[1]!).toBe(first < second);
      expect(undeliveredFrom(first) < keys[0]!).toBe(true);
      expect(undeliveredFrom(first + 1) > keys[0]!).toBe(true);
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
    `undelivered/176443/000000.${tenant}.${id}`,
    `undelivered/176443/0000000..${id}`,
    `constructor/${tenant}/${id}`,
  ]) {
    expect(jobOfKey(key), key).toBeNull();
  }
});
