import { STATUS_CODES } from "node:http";
import { expect } from "vitest";
import { type ProblemCode, STATUS_OF } from "../../functions/api/problem.ts";
import { expectSentence } from "./sentence.ts";

export interface Problem {
  readonly detail: string;
  readonly request_id: string;
  readonly error: {
    readonly message: string;
    readonly param: string | null;
    readonly code: ProblemCode;
    readonly after?: string;
  };
}

/** Asserts that an answer is this problem, in all members that RFC 9457 and OpenAI's clients define, in a sentence. */
export async function expectProblem(
  response: Response,
  code: ProblemCode,
  param?: string | null,
): Promise<Problem> {
  const problem = (await response.json()) as Problem;
  const status = STATUS_OF[code];
  expect(problem).toEqual({
    type: `urn:adareel:problem:${code}`,
    title: STATUS_CODES[status],
    status,
    detail: expect.stringMatching(/^.+\S$/),
    instance: expect.stringMatching(/^\//),
    request_id: response.headers.get("x-request-id"),
    error: {
      message: problem.detail,
      type: status < 500 ? "invalid_request_error" : "server_error",
      param: param === undefined ? problem.error.param : param,
      code,
      ...(code === "filter_unfinished" && { after: expect.stringMatching(/^video_/) }),
    },
  });
  expectSentence(problem.detail);
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("cache-control")).toBe("no-store");
  return problem;
}
