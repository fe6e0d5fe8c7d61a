import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { asked, CLIENT_LIMITS } from "./aws.ts";
import { type Finding, ok, toDo } from "./finding.ts";

/** Minimum version of the bootstrap stack for the default synthesizer of aws-cdk-lib. */
const VERSION_LEAST = 6;

export interface BootstrapPlaces {
  readonly account: string;
  /** Regions that a deployment needs, all of which the remedy names. */
  readonly regions: readonly string[];
  /** Qualifier of the bootstrap stack; the CDK's default is `hnb659fds`. */
  readonly qualifier: string;
}

/** Checks that the CDK is bootstrapped in one of the regions: that its bucket and roles for deploying exist. */
export function bootstrap(
  region: string,
  { account, regions, qualifier }: BootstrapPlaces,
): Promise<Finding> {
  const client = new SSMClient({ region, ...CLIENT_LIMITS });
  const remedy = `run npx cdk bootstrap ${regions.map((each) => `aws://${account}/${each}`).join(" ")}`;
  const Name = `/cdk-bootstrap/${qualifier}/version`;
  return asked(`ssm:GetParameter of ${Name} in ${region}`, async (request) => {
    try {
      const { Parameter } = await client.send(new GetParameterCommand({ Name }), request);
      const version = Number(Parameter?.Value);
      if (version >= VERSION_LEAST) return ok(`version ${version}.`);
      return toDo(
        `The bootstrap version is ${Parameter?.Value}, and at least ${VERSION_LEAST} is needed`,
        remedy,
      );
    } catch (error) {
      if ((error as Error).name !== "ParameterNotFound") throw error;
      return toDo("The region is not bootstrapped", remedy);
    }
  });
}
