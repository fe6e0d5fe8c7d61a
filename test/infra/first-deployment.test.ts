import { describe, expect, it } from "vitest";
import { DEPLOYMENTS, stacksOf, synthesized } from "./deployment.ts";

interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Properties?: object;
}

describe.each(Object.entries(DEPLOYMENTS))("a first deployment, %s", (_name, options) => {
  const kept = stacksOf(options)
    .flatMap((stack) => Object.values<Resource>(synthesized(stack).toJSON().Resources))
    .filter(({ DeletionPolicy }) => DeletionPolicy?.startsWith("Retain"));

  it("a first deployment that fails leaves nothing whose name would block the next one", () => {
    const named = kept.filter(({ Properties = {} }) => "BucketName" in Properties || "Name" in Properties);
    expect(named.map(({ Type }) => Type).sort()).toEqual(["AWS::S3::Bucket", "AWS::SecretsManager::Secret"]);
    for (const { DeletionPolicy, UpdateReplacePolicy } of named)
      expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(["RetainExceptOnCreate", "Retain"]);
  });

  it("a first deployment that fails leaves behind only the function that CloudFront may have copied", () => {
    const left = kept.filter(({ DeletionPolicy }) => DeletionPolicy === "Retain");
    expect(left.map(({ Type }) => Type).sort()).toEqual(["AWS::Lambda::Function", "AWS::Lambda::Version"]);
    for (const { Properties } of left)
      if (Properties && "Code" in Properties) expect(Properties).not.toHaveProperty("FunctionName");
  });
});
