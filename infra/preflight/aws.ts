import { type Finding, notMade } from "./finding.ts";

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
 * @returns the finding of `check`, or that it could not be made if a request failed
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
    return notMade({ kind: "permission", permission });
  return noAnswer(error);
}

export function noAnswer(error: unknown): Finding {
  const { name, code = name } = error as NodeJS.ErrnoException;
  return notMade({ kind: "silence", code });
}

export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
