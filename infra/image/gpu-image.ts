import { fileURLToPath } from "node:url";
import { Validations } from "aws-cdk-lib";
import { type IRepository, Repository } from "aws-cdk-lib/aws-ecr";
import { DockerImageAsset, Platform } from "aws-cdk-lib/aws-ecr-assets";
import type { Role } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { hasGpu } from "../backends/instance-types.ts";
import type { DeploymentConfig } from "../config.ts";
import { CPU_BASE, CUDA_BASE } from "./bases.ts";
import { contextPatterns } from "./context.ts";
import { ImageBuild } from "./image-build.ts";

/** Image in a registry that a backend can pull from. */
export interface ContainerImage {
  /** URI of the image; may be a token that is resolved during deployment. */
  readonly uri: string;
  /** Text that differs between images and is known at synthesis. */
  readonly fingerprint: string;
  grantPull(role: Role): void;
}

export interface GpuImageProps {
  readonly config: Pick<DeploymentConfig, "image" | "backend" | "instanceTypes">;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DOCKERFILE = "functions/gpu/Dockerfile";

/** Image of the GPU function: an existing one, or built from this repository by local Docker or by CodeBuild. */
export class GpuImage extends Construct implements ContainerImage {
  readonly uri: string;
  readonly fingerprint: string;
  private readonly repository: IRepository;

  constructor(scope: Construct, id: string, { config }: GpuImageProps) {
    super(scope, id);
    const { image } = config;
    if (image.from === "uri") {
      this.uri = image.uri;
      this.fingerprint = image.uri;
      this.repository = Repository.fromRepositoryArn(this, "Given", repositoryArn(image.uri));
    } else if (image.from === "docker") {
      const asset = new DockerImageAsset(this, "Asset", {
        directory: ROOT,
        file: DOCKERFILE,
        exclude: contextPatterns(ROOT),
        platform: Platform.LINUX_AMD64,
        buildArgs: buildArguments(config),
      });
      this.uri = asset.imageUri;
      this.fingerprint = asset.assetHash;
      this.repository = asset.repository;
    } else {
      const build = new ImageBuild(this, "Build", {
        directory: ROOT,
        dockerfile: DOCKERFILE,
        exclude: contextPatterns(ROOT),
        buildArguments: buildArguments(config),
      });
      this.uri = build.uri;
      this.fingerprint = build.fingerprint;
      this.repository = build.repository;
    }
  }

  /** Lets a role pull this image, and no other image of the registry. */
  grantPull(role: Role): void {
    this.repository.grantPull(role);
    Validations.of(role).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "ecr:GetAuthorizationToken knows no resources; layers are read from one repository.",
    });
  }
}

function buildArguments(config: GpuImageProps["config"]): Record<string, string> {
  return hasGpu(config) ? { PROVIDER: "cuda", BASE: CUDA_BASE } : { PROVIDER: "cpu", BASE: CPU_BASE };
}

/**
 * Returns the ARN of an image's repository.
 *
 * @param uri `<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>`, or with `@<digest>`; see `parseDeployment`
 */
function repositoryArn(uri: string): string {
  const [, account, region, name] = /^(\d+)\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\/([^:@]+)/.exec(uri)!;
  return `arn:aws:ecr:${region}:${account}:repository/${name}`;
}
