import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { JOB_ERROR_CODES } from "../../lib/service/jobs/index.ts";

it("the operations page has a row for each code of a failed video, and for no other", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");
  const [, section] = /^## Why a video failed$(.*?)^## /ms.exec(page)!;
  const codes = [...section!.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code!);
  expect(codes.sort()).toEqual([...JOB_ERROR_CODES].sort());
});
