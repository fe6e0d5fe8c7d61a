import { setTimeout as sleep } from "node:timers/promises";
import type { CloudFrontRequestEvent, CloudFrontResultResponse } from "aws-lambda";
import type { Logger } from "pino";
import { ApiError, plainProblem } from "../problem.ts";
import { requestOf, resultOf } from "./cloudfront.ts";

/** Handler of one request. */
export type Answer = (request: Request) => Response | Promise<Response>;

export interface EdgeOptions {
  /**
   * Opens the app for the host names of the API; viewers use the first of them. It is called at the first request,
   * and at each later request until it succeeds.
   */
  readonly open: (hosts: readonly [string, ...string[]]) => Promise<Answer>;
  /** Custom domain of the API, besides the name of the distribution. */
  readonly domain: string | null;
  readonly log: Logger;
  /**
   * Time limit of an answer. It is shorter than the timeout of the function, so that the function itself
   * reports the failure.
   */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 28_000;

/**
 * Creates the handler of a distribution's origin-request events. It answers every event itself, so CloudFront never
 * contacts the origin.
 */
export function answerEvents({ open, domain, log, deadlineMs = DEADLINE_MS }: EdgeOptions) {
  let opened: Promise<Answer> | null = null;

  function app(distribution: string): Promise<Answer> {
    opened ??= open(domain === null ? [distribution] : [domain, distribution]).catch((error: unknown) => {
      opened = null;
      throw error;
    });
    return opened;
  }

  async function answer(request: Request, distribution: string): Promise<Response> {
    const answered = new AbortController();
    const late = sleep(deadlineMs, null, { signal: answered.signal }).then(() => {
      throw new Error(`There was no answer within ${deadlineMs} ms.`);
    });
    try {
      return await Promise.race([app(distribution).then((fetch) => fetch(request)), late]);
    } finally {
      answered.abort();
    }
  }

  return async function handler({ Records }: CloudFrontRequestEvent): Promise<CloudFrontResultResponse> {
    const { cf } = Records[0]!;
    const { distributionDomainName, requestId } = cf.config;
    const request = requestOf(cf, domain ?? distributionDomainName);
    const response = await answer(request, distributionDomainName).catch((error: Error) => {
      log.error({ requestId, error: error.name, reason: error.message }, "no answer");
      const unavailable = new ApiError("storage_unavailable", error.message, {
        headers: { "retry-after": "2" },
      });
      return plainProblem(unavailable, cf.request.uri, requestId);
    });
    const result = await resultOf(response, request);
    if (result) return result;
    const tooLarge = new ApiError(
      "response_too_large",
      "The answer is longer than 1 MB: accept gzip, or request fewer items with limit.",
    );
    const id = response.headers.get("x-request-id") ?? requestId;
    return (await resultOf(plainProblem(tooLarge, cf.request.uri, id), request))!;
  };
}
