import { DescribeSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { DeploymentConfig } from "../config.ts";
import { sharedNames } from "../names.ts";
import { asked, CLIENT_LIMITS } from "./aws.ts";
import { type Finding, ok, wrong } from "./finding.ts";

type Place = Pick<DeploymentConfig, "name" | "account" | "region">;

/**
 * Passes a finding on if the data stack exists, or else says what the finding's resource is: one that outlived its
 * stack, or that another hand made. CloudFormation cannot create it again. The stack's queues tell whether it exists,
 * since they go with it.
 */
export function ownedByStack(
  { name, region }: Place,
  orphan: () => Finding,
): (found: Finding) => Promise<Finding> {
  const client = new SQSClient({ region, ...CLIENT_LIMITS });
  return (found) =>
    found.state !== "ok"
      ? Promise.resolve(found)
      : asked("sqs:ListQueues", async (request) => {
          const { QueueUrls = [] } = await client.send(
            new ListQueuesCommand({ QueueNamePrefix: `${name}-data-Work`, MaxResults: 1 }),
            request,
          );
          return QueueUrls.length > 0 ? found : orphan();
        });
}

/** Checks that the secret of the master key belongs to the data stack, or does not exist yet. */
export function masterKey(place: Place): Promise<Finding> {
  const { masterSecret } = sharedNames(place);
  const client = new SecretsManagerClient({ region: place.region, ...CLIENT_LIMITS });
  const owned = ownedByStack(place, () =>
    wrong(`The secret ${masterSecret} exists, and no stack owns it`, takingOver(place)),
  );
  return asked(`secretsmanager:DescribeSecret of ${masterSecret}`, async (request) => {
    try {
      const { DeletedDate } = await client.send(
        new DescribeSecretCommand({ SecretId: masterSecret }),
        request,
      );
      if (DeletedDate === undefined) return await owned(ok(`${masterSecret}.`));
      return wrong(
        `The secret ${masterSecret} is scheduled for deletion, and its name cannot be used until then`,
        `run aws secretsmanager restore-secret --region ${place.region} --secret-id ${masterSecret}, or choose another ` +
          "name with -c name=",
      );
    } catch (error) {
      if ((error as Error).name !== "ResourceNotFoundException") throw error;
      return ok(`The deployment makes ${masterSecret}.`);
    }
  });
}

/** Returns what to do with a resource that the deployment would have to create, and that exists. */
export function takingOver({ name }: Pick<Place, "name">): string {
  return (
    `choose another name with -c name=, take it over with npx cdk import ${name}/data, or delete it if nobody needs ` +
    "what it holds"
  );
}
