import { beforeEach, expect, it } from "vitest";
import { outageTeller } from "../../functions/gpu/outage.ts";

let lines: object[];
let now: number;

beforeEach(() => {
  lines = [];
  now = 5_000;
});

function open() {
  const tell = (fields: unknown, message?: unknown) => void lines.push({ ...(fields as object), message });
  return outageTeller({
    log: { info: tell, warn: tell },
    failing: "the lease was not renewed",
    ended: "the lease is renewed again",
    fields: { id: "video_1" },
    elapsed: () => now,
  });
}

const line = (message: string, fields: object) => ({ id: "video_1", message, ...fields });

it("an outage is told of when it begins and when it ends, with its reason, its duration and its failures", () => {
  const outage = open();
  outage.ended();
  for (let tries = 0; tries < 100; tries += 1) {
    outage.failed(new Error("no answer"));
    now += 123;
  }
  outage.ended();
  outage.ended();
  outage.failed("closed");
  expect(lines).toEqual([
    line("the lease was not renewed", { reason: "Error: no answer" }),
    line("the lease is renewed again", { failures: 100, seconds: 12.3 }),
    line("the lease was not renewed", { reason: "closed" }),
  ]);
});

it("an outage is told of again for each other reason, up to five of them", () => {
  const outage = open();
  for (const reason of ["one", "two", "one", "two", "three", "four", "five", "six"]) outage.failed(reason);
  expect(lines).toEqual(
    ["one", "two", "three", "four", "five"].map((reason) => line("the lease was not renewed", { reason })),
  );
});

it("a failure adds fields of its own to its line", () => {
  open().failed("closed", { outcome: "held" });
  expect(lines).toEqual([line("the lease was not renewed", { reason: "closed", outcome: "held" })]);
});
