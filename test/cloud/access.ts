import type { StubRequest } from "../s3-stub/s3-stub.ts";

/** One kind of thing that a role did with the bucket. */
export interface Access {
  readonly role: string;
  readonly operation: "get" | "put" | "delete" | "list";
  /** The first folder of the key, or of the prefix that was listed: `jobs/`. */
  readonly folder: string;
}

const OPERATIONS: Readonly<Record<string, Access["operation"]>> = {
  GetObject: "get",
  HeadObject: "get",
  PutObject: "put",
  DeleteObject: "delete",
  ListObjectsV2: "list",
};

/** What was done by requests whose access key is the name of their role; each kind once, sorted. */
export function accessesIn(requests: readonly StubRequest[]): Access[] {
  const found = requests.flatMap(({ operation: name, key, query, headers }) => {
    // Whoever follows a signed URL acts as the role that signed it.
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
