import { Validations } from "aws-cdk-lib";
import { PolicyStatement, type Role } from "aws-cdk-lib/aws-iam";

/** Access of a role to objects under prefixes of the bucket, such as those of FOLDERS. */
export interface FolderAccess {
  /**
   * Prefixes to get objects from, and to learn that an object is missing. A write or deletion with `If-Match`
   * needs it too.
   */
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  readonly delete?: readonly string[];
  /** Prefixes to list without reading; readable prefixes may be listed too. */
  readonly list?: readonly string[];
}

/** Grants a role exactly this access to a bucket, which may be in another stack. */
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
      // Without s3:ListBucket a missing object is a 403, which the store treats as a failure. S3 also checks
      // the permission during GetObject, where s3:prefix is absent, so only an "if exists" condition holds in
      // both cases.
      conditions: { StringLikeIfExists: { "s3:prefix": listed.map((prefix) => `${prefix}*`) } },
    }),
  );
}
