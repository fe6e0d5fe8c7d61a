import { execFile } from "node:child_process";
import type { DeploymentConfig } from "../../config.ts";
import { type Finding, ok, unknown, wrong } from "../../preflight/finding.ts";
import { INFERENCE_AMIS } from "./inference-amis.ts";
import { INSTANCE_TYPES } from "./instance-types.ts";

const DOCKER_MS = 5_000;
const OTHERWISE = "say -c build=codebuild, or -c imageUri= with an image in Amazon ECR";

/** Whether the image of the GPU function can be made, or is one that SageMaker takes. */
export async function image({ image, region }: DeploymentConfig, env: NodeJS.ProcessEnv): Promise<Finding> {
  if (image.from === "codebuild") return ok("CodeBuild makes it in the account.");
  if (image.from !== "uri") return docker(env.CDK_DOCKER || "docker");
  const [, imageRegion] = /\.ecr\.([^.]+)\./.exec(image.uri)!;
  return imageRegion === region
    ? unknown("It is taken as it is; that it exists is seen when the endpoint is made.")
    : wrong(`It lies in ${imageRegion}, and SageMaker takes none but those of ${region}: copy it there.`);
}

/** A client without its daemon is no Docker. */
function docker(command: string): Promise<Finding> {
  return new Promise((resolve) => {
    execFile(command, ["version"], { timeout: DOCKER_MS }, (error) => {
      if (!error) resolve(ok(`${command} makes it on this machine.`));
      else if (error.code === "ENOENT")
        resolve(wrong(`There is no ${command}: install it, or ${OTHERWISE}.`));
      else resolve(wrong(`The daemon of ${command} does not answer: start it, or ${OTHERWISE}.`));
    });
  });
}

/** What AWS documents of it; whether a type and a region have it is seen only when an endpoint is made. */
export function inferenceAmi({ instanceTypes, inferenceAmi, region }: DeploymentConfig): Finding {
  if (INSTANCE_TYPES[instanceTypes[0]]!.gpu === null)
    return ok("Types without a GPU need no particular one.");
  const other = Object.keys(INFERENCE_AMIS).find((name) => name !== inferenceAmi);
  return unknown(
    `Whether ${region} has ${inferenceAmi} for ${instanceTypes.join(" and ")} is seen when the endpoint is made; if not, say -c inferenceAmi=${other}.`,
  );
}
