import { type Finding, unknown } from "./finding.ts";

/** Whoever waits for an answer sits before it. */
export const CLIENT_LIMITS = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 3_000, socketTimeout: 5_000 },
} as const;

/** How long a check may take with all its requests. */
const CHECK_MS = 45_000;

/**
 * What `check` finds, or why it could not find out.
 *
 * @param permission what the requests need, such as `ssm:GetParameter`
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
    return unknown(`These credentials may not ask: allow them ${permission}.`);
  return unknown(noAnswer(error));
}

export function noAnswer(error: unknown): string {
  const { name, code = name } = error as NodeJS.ErrnoException;
  return `AWS does not answer (${code}): check the network and the region, and try again.`;
}

export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
