import { execFile } from "node:child_process";
import type { DeploymentConfig } from "../config.ts";
import { type Finding, ok, unknown, wrong } from "../preflight/finding.ts";

const DOCKER_MS = 5_000;
const OTHERWISE = "say -c build=codebuild, or -c imageUri= with an image in Amazon ECR";

/** Checks that the image of the GPU function can be built, or that the instances can pull it. */
export async function image({ image, region }: DeploymentConfig, env: NodeJS.ProcessEnv): Promise<Finding> {
  if (image.from === "codebuild") return ok("CodeBuild builds it in the account.");
  if (image.from !== "uri") return docker(env.CDK_DOCKER || "docker");
  const [, imageRegion] = /\.ecr\.([^.]+)\./.exec(image.uri)!;
  return imageRegion === region
    ? unknown("It is not checked; if it does not exist, no instance can take jobs.")
    : wrong(`It is in ${imageRegion}, and the instances need one in ${region}`, "copy it there.");
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
