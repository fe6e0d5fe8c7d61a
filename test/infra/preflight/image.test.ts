import { describe, expect, it } from "vitest";
import { inferenceAmi } from "../../../infra/backends/sagemaker/endpoint-checks.ts";
import { parseDeployment } from "../../../infra/config.ts";
import { image } from "../../../infra/image/image-check.ts";

function config(context: Record<string, string>) {
  return parseDeployment({ account: "123456789012", region: "eu-central-1", ...context }, {});
}
const OTHERWISE = "say -c build=codebuild, or -c imageUri= with an image in Amazon ECR.";

describe("the image", () => {
  it.each([
    ["true", "ok", "true builds it on this machine."],
    ["false", "wrong", `The daemon of false does not answer: start it, or ${OTHERWISE}`],
    ["no-such-docker", "wrong", `There is no no-such-docker: install it, or ${OTHERWISE}`],
  ])("an image is made by Docker, where its daemon answers: %s", async (command, state, sentence) => {
    expect(await image(config({}), { CDK_DOCKER: command })).toMatchObject({ state, sentence });
  });

  it("an image is made without Docker by CodeBuild", async () => {
    expect((await image(config({ build: "codebuild" }), { CDK_DOCKER: "false" })).state).toBe("ok");
  });

  it("an existing image must be in the deployment's region", async () => {
    const at = (region: string) => {
      const imageUri = `123456789012.dkr.ecr.${region}.amazonaws.com/adareel:1`;
      return image(config({ imageUri }), {});
    };
    expect((await at("eu-central-1")).state).toBe("unknown");
    expect(await at("us-east-1")).toMatchObject({
      state: "wrong",
      sentence: "It is in us-east-1, and the instances need one in eu-central-1: copy it there.",
    });
  });
});

it("an AMI is not checked without a GPU, and cannot be checked with one", () => {
  expect(inferenceAmi(config({ instanceTypes: "ml.m5.xlarge" })).state).toBe("ok");
  const older = "al2-ami-sagemaker-inference-gpu-3-1";
  expect(inferenceAmi(config({ inferenceAmi: older }))).toMatchObject({
    state: "unknown",
    sentence: `It cannot be checked whether eu-central-1 has ${older} for ml.g6e.2xlarge and ml.g6e.4xlarge; if creating the endpoint fails, say -c inferenceAmi=al2023-ami-sagemaker-inference-gpu-4-1.`,
  });
});
