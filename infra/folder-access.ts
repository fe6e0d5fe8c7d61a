import { Validations } from "aws-cdk-lib";
import { PolicyStatement, type Role } from "aws-cdk-lib/aws-iam";

/** What a role may do with the objects under prefixes of the bucket, such as those of FOLDERS. */
export interface FolderAccess {
  /** Getting objects, and learning that there is none. A write or a deletion with `If-Match` needs it too. */
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  readonly delete?: readonly string[];
  /** Listing without reading; what may be read may be listed. */
  readonly list?: readonly string[];
}

/** Gives a role exactly this access to a bucket, which may be another stack's. */
export function grantFolders(
  role: Role,
  bucket: string,
  { read = [], write = [], delete: deleted = [], list = [] }: FolderAccess,
): void {
  const arn = `arn:aws:s3:::${bucket}`;
  const allow = (action: string, prefixes: readonly string[]) => {
    if (prefixes.length === 0) return;
    const resources = prefixes.map((prefix) => `${arn}/${prefix}*`);
    role.addToPolicy(new PolicyStatement({ actions: [action], resources }));
    for (const resource of resources)
      Validations.of(role).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${resource}]`,
        reason: "Keys name tenants and jobs, which nobody knows beforehand; the folder is the boundary.",
      });
  };
  allow("s3:GetObject", read);
  allow("s3:PutObject", write);
  allow("s3:DeleteObject", deleted);
  const listed = [...new Set([...read, ...list])];
  if (listed.length === 0) return;
  role.addToPolicy(
    new PolicyStatement({
      actions: ["s3:ListBucket"],
      resources: [arn],
      // Without s3:ListBucket a missing object is a 403, which the store takes for a fault. S3 asks for it while it
      // answers a GetObject, and there is no s3:prefix then, so that only "if it exists" holds in both cases.
      conditions: { StringLikeIfExists: { "s3:prefix": listed.map((prefix) => `${prefix}*`) } },
    }),
  );
}
