import { type App, Stage, Tags } from "aws-cdk-lib";
import { BACKENDS } from "./backends/index.ts";
import type { DeploymentConfig } from "./config.ts";
import { DataStack } from "./data-stack.ts";
import { EdgeStack } from "./edge-stack.ts";
import { GpuStack } from "./gpu-stack.ts";

/** A deployment: what is kept, what makes videos, and what the world talks to. */
export class Service extends Stage {
  constructor(app: App, config: DeploymentConfig) {
    const { name, account, region } = config;
    super(app, name, { env: { account, region } });

    const data = new DataStack(this, "data", { config });
    const gpu = new GpuStack(this, "gpu", { config, data, makeBackend: BACKENDS[config.backend] });
    const edge = new EdgeStack(this, "edge", { config });

    // They share names and no resources, so nothing else says that the bucket comes first.
    gpu.addStackDependency(data);
    edge.addStackDependency(data);
    Tags.of(this).add("Deployment", name);
  }
}
