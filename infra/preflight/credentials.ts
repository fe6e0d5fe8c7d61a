import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { CLIENT_LIMITS, noAnswer } from "./aws.ts";
import { type Finding, ok, unknown, wrong } from "./finding.ts";

export interface Login {
  readonly finding: Finding;
  /** Whose the credentials are, if they may be asked with. */
  readonly account: string | null;
}

const REFUSED = /^(Expired|Invalid|Unrecognized|Signature|AuthFailure|AccessDenied|NotAuthorized)/;

/** Asks who it is that asks. @param expected the account that the configuration names, if it does */
export async function login(region: string, expected: string | null): Promise<Login> {
  const client = new STSClient({ region, ...CLIENT_LIMITS });
  try {
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
    if (expected !== null && Account !== expected) {
      const finding = wrong(
        `They are of account ${Account}, not ${expected}: choose others by AWS_PROFILE, or -c account=${Account}.`,
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
    return wrong("There are none: log in with aws configure or aws sso login, or set AWS_PROFILE.");
  if (REFUSED.test(error.name))
    return wrong(`AWS refuses them (${error.name}): log in again, or set another AWS_PROFILE.`);
  return unknown(noAnswer(error));
}
