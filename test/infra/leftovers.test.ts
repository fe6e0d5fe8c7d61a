import { describe, expect, it } from "vitest";
import { DEPLOYMENTS, stacksOf, synthesized } from "./deployment.ts";
import { namedResources } from "./policies.ts";

describe.each(Object.entries(DEPLOYMENTS))("what a deployment piles up, %s", (_name, options) => {
  const resources = stacksOf(options).flatMap((stack) => namedResources(synthesized(stack)));
  const of = (type: string) => resources.filter((each) => each.type === type);

  it("a log is kept for a month", () => {
    const groups = of("AWS::Logs::LogGroup");
    expect(groups.length).toBeGreaterThan(2);
    for (const { name, properties } of groups) expect([name, properties.RetentionInDays]).toEqual([name, 30]);
  });

  it("a repository keeps the newest images, and none can be replaced under its tag", () => {
    for (const { properties } of of("AWS::ECR::Repository")) {
      const { rules } = JSON.parse(properties.LifecyclePolicy?.LifecyclePolicyText ?? '{"rules":[]}');
      expect(rules).toMatchObject([
        { selection: { countType: "imageCountMoreThan", countNumber: 5 }, action: { type: "expire" } },
      ]);
      expect(properties.ImageTagMutability).toBe("IMMUTABLE");
    }
  });
});
