import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { asked, CLIENT_LIMITS } from "./aws.ts";
import { type Finding, ok, wrong } from "./finding.ts";

/** Minimum version of the bootstrap stack for the default synthesizer of aws-cdk-lib. */
const VERSION_LEAST = 6;

export interface BootstrapPlace {
  readonly account: string;
  readonly region: string;
  /** Qualifier of the bootstrap stack; the CDK's default is `hnb659fds`. */
  readonly qualifier: string;
}

/** Checks that the CDK is bootstrapped in a region: that its bucket and roles for deploying exist. */
export function bootstrap({ account, region, qualifier }: BootstrapPlace): Promise<Finding> {
  const client = new SSMClient({ region, ...CLIENT_LIMITS });
  const command = `npx cdk bootstrap aws://${account}/${region}`;
  const Name = `/cdk-bootstrap/${qualifier}/version`;
  return asked(`ssm:GetParameter of ${Name} in ${region}`, async (request) => {
    try {
      const { Parameter } = await client.send(new GetParameterCommand({ Name }), request);
      const version = Number(Parameter?.Value);
      if (version >= VERSION_LEAST) return ok(`version ${version}.`);
      return wrong(
        `The bootstrap version is ${Parameter?.Value}, and at least ${VERSION_LEAST} is needed: run ${command}`,
      );
    } catch (error) {
      if ((error as Error).name !== "ParameterNotFound") throw error;
      return wrong(`The region is not bootstrapped: run ${command}`);
    }
  });
}
