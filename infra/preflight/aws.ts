import { type Finding, unknown } from "./finding.ts";

/** Short timeouts and few attempts, because a person waits for the result. */
export const CLIENT_LIMITS = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 3_000, socketTimeout: 5_000 },
} as const;

/** Maximum time of a check with all its requests. */
const CHECK_MS = 45_000;

/**
 * Runs a check that asks AWS.
 *
 * @param permission permission that the requests need, such as `ssm:GetParameter`
 * @returns the finding of `check`, or `unknown` with the reason if a request failed
 */
export async function asked(
  permission: string,
  check: (request: { abortSignal: AbortSignal }) => Promise<Finding>,
): Promise<Finding> {
  try {
    return await check({ abortSignal: AbortSignal.timeout(CHECK_MS) });
  } catch (error) {
    return unanswered(error, permission);
  }
}

function unanswered(error: unknown, permission: string): Finding {
  if (statusOf(error) === 403 || /AccessDenied|NotAuthorized/.test((error as Error).name))
    return unknown(`The credentials lack a permission: allow ${permission}.`);
  return unknown(noAnswer(error));
}

export function noAnswer(error: unknown): string {
  const { name, code = name } = error as NodeJS.ErrnoException;
  return `AWS does not answer (${code}): check the network and the region, and try again.`;
}

export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
