import { App } from "aws-cdk-lib";
import { DeploymentError, parseDeployment } from "./config.ts";
import { Service } from "./service.ts";

/** The CDK app that `cdk` runs: synthesizes the templates of the deployment that the context configures. */

try {
  const app = new App();
  new Service(app, parseDeployment(app.node.getAllContext(), process.env));
  app.synth();
} catch (error) {
  if (!(error instanceof DeploymentError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
}
