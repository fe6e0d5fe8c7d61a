import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { CLIENT_LIMITS, noAnswer } from "./aws.ts";
import { type Finding, ok, wrong } from "./finding.ts";

export interface Login {
  readonly finding: Finding;
  /** Account of the credentials, or null if they are missing, invalid or of another account than expected. */
  readonly account: string | null;
}

const REFUSED = /^(Expired|Invalid|Unrecognized|Signature|AuthFailure|AccessDenied|NotAuthorized)/;

/**
 * Asks AWS for the identity of the credentials.
 *
 * @param expected account that the configuration names, or null
 */
export async function login(region: string, expected: string | null): Promise<Login> {
  const client = new STSClient({ region, ...CLIENT_LIMITS });
  try {
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
    if (expected !== null && Account !== expected) {
      const finding = wrong(
        `They belong to account ${Account}, not ${expected}`,
        `choose others with AWS_PROFILE, or say -c account=${Account}.`,
      );
      return { finding, account: null };
    }
    return { finding: ok(`${Arn}.`), account: Account! };
  } catch (error) {
    return { finding: failure(error as Error), account: null };
  }
}

function failure(error: Error): Finding {
  if (/CredentialsProviderError|TokenProviderError/.test(error.name))
    return wrong(
      "There are no credentials",
      "log in with aws configure or aws sso login, or set AWS_PROFILE.",
    );
  if (REFUSED.test(error.name))
    return wrong(`AWS refuses them (${error.name})`, "log in again, or set another AWS_PROFILE.");
  return noAnswer(error);
}
