import { expect, it } from "vitest";
import { isInShare } from "../../functions/gpu/audit-share.ts";

const ids = Array.from({ length: 2000 }, (_, index) => `video_${index}`);
const audited = (share: number) => ids.filter((id) => isInShare(id, share));

it("a share of 0 holds no job, and a share of 1 every job", () => {
  expect(audited(0)).toEqual([]);
  expect(audited(1)).toEqual(ids);
});

it("a share holds about that part of the jobs, and a greater share holds the same jobs and more", () => {
  const tenth = audited(0.1);
  expect(tenth.length).toBeGreaterThan(150);
  expect(tenth.length).toBeLessThan(250);
  expect(audited(0.2)).toEqual(expect.arrayContaining(tenth));
});
