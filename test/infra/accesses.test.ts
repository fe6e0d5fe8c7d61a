import { beforeAll, describe, expect, it } from "vitest";
import type { Access } from "../cloud/access.ts";
import { observedAccesses } from "../cloud/observed-accesses.ts";
import { templateOf } from "./deployment.ts";
import { permissionsOf } from "./policies.ts";

const TIMEOUT_MS = 300_000;

/** Permissions that are granted but not used by the deployment of this test. */
const UNSEEN: Readonly<Record<string, readonly string[]>> = {
  // A damaged record and its marker, deleted with their video; the model's card, read at the start; a marker, read to
  // delete it if its record cannot be written. Pictures, of which the model of this test takes none.
  edge: [
    "delete inputs/",
    "delete jobs/",
    "get inputs/",
    "get model-cards/",
    // The spending of a key with a limit, which the key of this test has not.
    "get spending/",
    "get unfinished/",
    "put inputs/",
    "put spending/",
  ],
  // An artifact, read after an upload whose answer was lost; the model; the outputs that SageMaker itself writes.
  // The marker of a job that is queued again after it ran in the invocation of another one. Pictures.
  gpu: ["get artifacts/", "get inputs/", "get models/", "put invocations/", "put unfinished/"],
  // The pictures of an abandoned creation; the marker of a creation by a clock that was set back.
  sweep: ["delete inputs/", "put unfinished/"],
};

/** Returns the permissions of the role under a path of constructs, as lines such as `get jobs/`. */
function granted(stack: string, role: string): string[] {
  return permissionsOf(templateOf(stack), role).flatMap((line) => {
    const [, action, folder] = /^s3:(Get|Put|Delete)Object \S+?\/([a-z-]+\/)/.exec(line) ?? [];
    if (action) return [`${action.toLowerCase()} ${folder}`];
    const [, prefixes] = /^s3:ListBucket .*"s3:prefix":(\[.*?\])/.exec(line) ?? [];
    return prefixes ? (JSON.parse(prefixes) as string[]).map((prefix) => `list ${prefix.split("*")[0]}`) : [];
  });
}

describe("the roles and the bucket", { timeout: TIMEOUT_MS }, () => {
  let accesses: Access[];
  beforeAll(async () => {
    accesses = await observedAccesses();
  }, TIMEOUT_MS);

  it.each([
    ["edge", "edge", "ApiRole"],
    ["dispatch", "gpu", "DispatchRole"],
    ["settle", "gpu", "SettleRole"],
    ["sweep", "gpu", "SweepRole"],
    ["webhook", "gpu", "WebhookRole"],
    ["gpu", "gpu", "EndpointRole"],
  ])("the role %s may do with the bucket exactly what its function does", (name, stack, construct) => {
    const may = granted(stack, construct);
    const own = accesses.filter(({ role }) => role === name);
    const does = own.map(({ operation, folder }) => `${operation} ${folder}`);
    expect(does.filter((access) => !may.includes(access))).toEqual([]);
    const unused = may.filter((access) => !access.startsWith("list ") && !does.includes(access));
    expect(unused.sort()).toEqual(UNSEEN[name] ?? []);
  });
});
