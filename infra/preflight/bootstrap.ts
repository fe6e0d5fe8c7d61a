import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { asked, CLIENT_LIMITS } from "./aws.ts";
import { type Finding, ok, wrong } from "./finding.ts";

/** What the default synthesizer of aws-cdk-lib demands of a bootstrap stack. */
const VERSION_LEAST = 6;

export interface BootstrapPlace {
  readonly account: string;
  readonly region: string;
  /** Tells bootstrap stacks of one account apart; the CDK's own is `hnb659fds`. */
  readonly qualifier: string;
}

/** Whether the CDK has its own bucket and roles there, by which it deploys. */
export function bootstrap({ account, region, qualifier }: BootstrapPlace): Promise<Finding> {
  const client = new SSMClient({ region, ...CLIENT_LIMITS });
  const command = `npx cdk bootstrap aws://${account}/${region}`;
  const Name = `/cdk-bootstrap/${qualifier}/version`;
  return asked(`ssm:GetParameter of ${Name} in ${region}`, async (request) => {
    try {
      const { Parameter } = await client.send(new GetParameterCommand({ Name }), request);
      const version = Number(Parameter?.Value);
      if (version >= VERSION_LEAST) return ok(`version ${version}.`);
      return wrong(`It has version ${Parameter?.Value}, and ${VERSION_LEAST} is needed: run ${command}`);
    } catch (error) {
      if ((error as Error).name !== "ParameterNotFound") throw error;
      return wrong(`The CDK was never used there: run ${command}`);
    }
  });
}
