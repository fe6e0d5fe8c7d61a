import { Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { expect, it } from "vitest";
import { deploymentApp } from "./deployment.ts";

it("all stacks pass AwsSolutions", () => {
  const { app } = deploymentApp({ backend: "ecs" });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  try {
    app.synth();
  } catch (e) {
    console.log(String(e).slice(0, 6000));
    throw e;
  }
  expect(1).toBe(1);
});
