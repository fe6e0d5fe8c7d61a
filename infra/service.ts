import { type App, Stage, Tags } from "aws-cdk-lib";
import { BACKENDS } from "./backends/index.ts";
import type { DeploymentConfig } from "./config.ts";
import { DataStack } from "./data-stack.ts";
import { EdgeStack } from "./edge-stack.ts";
import { GpuStack } from "./gpu-stack.ts";

/** Deployment of three stacks: the data, the jobs with their GPU backend, and the public API. */
export class Service extends Stage {
  constructor(app: App, config: DeploymentConfig) {
    const { name, account, region } = config;
    super(app, name, { env: { account, region } });

    const data = new DataStack(this, "data", { config });
    const gpu = new GpuStack(this, "gpu", { config, data, makeBackend: BACKENDS[config.backend] });
    const edge = new EdgeStack(this, "edge", { config });

    // The stacks share no references, so the CDK cannot infer that the bucket must exist first.
    gpu.addStackDependency(data);
    edge.addStackDependency(data);
    Tags.of(this).add("Deployment", name);
  }
}
