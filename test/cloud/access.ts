import type { StubRequest } from "../s3-stub/s3-stub.ts";

/** Access of a role to the bucket. */
export interface Access {
  readonly role: string;
  readonly operation: "get" | "put" | "delete" | "list";
  /** First folder of the key, or of the listed prefix: `jobs/`. */
  readonly folder: string;
}

const OPERATIONS: Readonly<Record<string, Access["operation"]>> = {
  GetObject: "get",
  HeadObject: "get",
  PutObject: "put",
  DeleteObject: "delete",
  ListObjectsV2: "list",
};

/** Returns the accesses of requests whose access key is the name of their role, without duplicates, sorted. */
export function accessesIn(requests: readonly StubRequest[]): Access[] {
  const found = requests.flatMap(({ operation: name, key, query, headers }) => {
    // A request to a signed URL has the role of its signer.
    const signed = headers.authorization ?? `Credential=${query.get("X-Amz-Credential")}`;
    const [, role] = /Credential=([^/]+)\//.exec(signed) ?? [];
    const operation = OPERATIONS[name];
    if (!role) return [];
    if (!operation) throw new Error(`${role} does ${name}, which has no permission here yet.`);
    const path = operation === "list" ? (query.get("prefix") ?? "") : key;
    return [`${role} ${operation} ${path.slice(0, path.indexOf("/") + 1)}`];
  });
  return [...new Set(found)].sort().map((line) => {
    const [role, operation, folder] = line.split(" ") as [string, Access["operation"], string];
    return { role, operation, folder };
  });
}
