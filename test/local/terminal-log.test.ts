import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { jobLine, terminalLog } from "../../functions/local/terminal-log.ts";
import type { JobRecord } from "../../lib/service/jobs/index.ts";

/** Returns what a log prints on a terminal. */
function printed(write: (log: pino.Logger) => void): string {
  let text = "";
  write(
    pino(
      { base: null },
      terminalLog((line) => (text += line)),
    ),
  );
  return text;
}

describe("a log on a terminal", () => {
  it("a warning is a sentence with its reason and its video, and without numbers for machines", () => {
    const details = { videoId: "video_1", reason: "The disk is full." };
    expect(printed((log) => log.warn(details, "a hint failed"))).toBe(
      "Warning: A hint failed: The disk is full (video_1).\n",
    );
    expect(printed((log) => log.error({ reason: "no space", requestId: 7 }, "request failed"))).toBe(
      "Error: Request failed: no space.\n",
    );
    expect(printed((log) => log.error({ reason: "no space" }))).toBe("Error: no space.\n");
    expect(printed((log) => log.error("The GPU function ended."))).toBe("Error: The GPU function ended.\n");
  });

  it("a message without details is a sentence", () => {
    expect(printed((log) => log.info("stopping"))).toBe("Stopping.\n");
  });

  it("requests, and everything else with details alone, are for machines", () => {
    expect(printed((log) => log.info({ route: "/v1/videos/:id", status: 200 }, "request"))).toBe("");
    expect(printed((log) => log.info({ port: 4711, owner: "me" }, "listening"))).toBe("");
    expect(printed((log) => log.info({ id: "video_1", status: "completed" }, "job"))).toBe("");
  });

  it("a line of another program is printed as it is", () => {
    let text = "";
    const destination = terminalLog((line) => (text += line));
    for (const line of ["MODELS has two models named a.", "", "42", "{ half"]) destination.write(line);
    expect(text).toBe("MODELS has two models named a.\n42\n{ half\n");
  });
});

describe("a job on a terminal", () => {
  const record = {
    id: "video_1",
    attempt: 1,
    startedAt: 1_000,
    finishedAt: 3_460,
    error: null,
    receipt: null,
  };
  const receipt = { steps: { computed: 11, requested: 30 } };
  const error = { code: "out_of_memory", message: "The video needs more memory than there is." };
  const lines: [change: object, line: string][] = [
    [{ status: "queued" }, "video_1 waits"],
    [{ status: "running" }, "video_1 started"],
    [{ status: "running", attempt: 2 }, "video_1 started again"],
    [{ status: "completed", receipt }, "video_1 finished in 2.5 s, 11 of 30 steps computed"],
    [{ status: "failed", error }, "video_1 failed: The video needs more memory than there is."],
    [{ status: "cancelled", startedAt: null }, "video_1 was cancelled"],
  ];
  it.each(lines)("the job %j is told as %j", (change, line) => {
    expect(jobLine({ ...record, ...change } as JobRecord)).toBe(line);
  });
});
