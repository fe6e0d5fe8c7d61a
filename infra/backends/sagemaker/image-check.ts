import { execFile } from "node:child_process";
import type { DeploymentConfig } from "../../config.ts";
import type { Check } from "../../preflight/backend-checks.ts";
import { type Finding, ok, unknown, wrong } from "../../preflight/finding.ts";
import { hasGpu } from "../instance-types.ts";
import { INFERENCE_AMIS } from "./inference-amis.ts";

const DOCKER_MS = 5_000;
const OTHERWISE = "say -c build=codebuild, or -c imageUri= with an image in Amazon ECR";

/** Checks that the image of the GPU function can be built, or that the instances can pull it. */
export async function image({ image, region }: DeploymentConfig, env: NodeJS.ProcessEnv): Promise<Finding> {
  if (image.from === "codebuild") return ok("CodeBuild builds it in the account.");
  if (image.from !== "uri") return docker(env.CDK_DOCKER || "docker");
  const [, imageRegion] = /\.ecr\.([^.]+)\./.exec(image.uri)!;
  return imageRegion === region
    ? unknown("It is not checked; if it does not exist, creating the endpoint fails.")
    : wrong(`It is in ${imageRegion}, and SageMaker needs an image in ${region}`, "copy it there.");
}

/** Checks that Docker is installed and that its daemon answers. */
function docker(command: string): Promise<Finding> {
  return new Promise((resolve) => {
    execFile(command, ["version"], { timeout: DOCKER_MS }, (error) => {
      if (!error) resolve(ok(`${command} builds it on this machine.`));
      else if (error.code === "ENOENT")
        resolve(wrong(`There is no ${command}`, `install it, or ${OTHERWISE}.`));
      else resolve(wrong(`The daemon of ${command} does not answer`, `start it, or ${OTHERWISE}.`));
    });
  });
}

/** Reports on the inference AMI. No API tells whether a type and a region have it; creating an endpoint does. */
export function inferenceAmi(config: DeploymentConfig): Finding {
  const { instanceTypes, inferenceAmi, region } = config;
  if (!hasGpu(config)) return ok("Instance types without a GPU need none.");
  const other = Object.keys(INFERENCE_AMIS).find((name) => name !== inferenceAmi);
  return unknown(
    `It cannot be checked whether ${region} has ${inferenceAmi} for ${instanceTypes.join(" and ")}; if creating the endpoint fails, say -c inferenceAmi=${other}.`,
  );
}

/** Reports on instance pools, which several types need. No API tells which regions have them. */
export function instancePools({ instanceTypes: [first, ...others], region }: DeploymentConfig): Check[] {
  if (others.length === 0) return [];
  const finding = unknown(
    `It cannot be checked whether ${region} has instance pools, which several types need; if creating the endpoint ` +
      `fails, say -c instanceTypes=${first}.`,
  );
  return [["pools", finding]];
}
