import { describe, expect, it } from "vitest";
import { isBelievedIn } from "../../../lib/service/backends/index.ts";
import type { JobRecord } from "../../../lib/service/jobs/index.ts";
import { jobRecordSchema } from "../../../lib/service/jobs/record.ts";
import { later, NOW, queued } from "../jobs/sample-job.ts";

const believedMs = 1_800_000;
const END = NOW + believedMs;

describe("a queued job", () => {
  const dispatched = later(queued, NOW, { type: "dispatch", to: "gpu-1" });

  it.each<[claim: string, record: JobRecord, name: string, now: number, expected: boolean]>([
    ["was put nowhere", queued, "gpu-1", NOW, false],
    ["waits in the queue it was put into", dispatched, "gpu-1", END - 1, true],
    ["may have been lost by that queue after a while", dispatched, "gpu-1", END, false],
    ["went with the queue of a backend that was replaced", dispatched, "gpu-2", NOW, false],
  ])("a queued job that %s is recognised as dispatched or not", (_claim, record, name, now, expected) => {
    expect(isBelievedIn({ name, believedMs }, record, now)).toBe(expected);
  });

  it("a record from before dispatches counts as not dispatched", () => {
    const { dispatched: _, ...old } = queued;
    expect(jobRecordSchema.parse(old)).toEqual(queued);
  });
});
