import { createMcpHandler, type McpHttpHandler, McpServer } from "@modelcontextprotocol/server";
import type { z } from "zod";
import { apiErrorOf } from "../api-error-of.ts";
import type { ApiDeps } from "../env.ts";
import { check } from "../middleware/body.ts";
import { isFault, problemOf } from "../problem.ts";
import type { VideoAnswers } from "../video-answers.ts";
import type { Caller, Tool } from "./tool.ts";
import { mcpTools } from "./tools.ts";

/* Loaded at the first request of /mcp, so that no other request waits for the protocol's package. */

const INSTRUCTIONS =
  "Videos from text. Call quote_video first and tell the user what the video should take and cost; then make_video with the " +
  "same arguments and the quote; then get_video with wait_seconds until it is completed. A call may be repeated: one quote " +
  "makes one video.";

/** Creates the handler of the Model Context Protocol. It keeps no sessions, so that any instance can answer. */
export function mcpHandler(deps: ApiDeps, answers: VideoAnswers): McpHttpHandler {
  const tools = mcpTools(deps, answers);
  return createMcpHandler(
    ({ authInfo }) => {
      const server = new McpServer(
        { name: "adareel", version: deps.version },
        { instructions: INSTRUCTIONS },
      );
      const caller = authInfo!.extra!.caller as Omit<Caller, "signal">;
      for (const each of tools) register(server, each, caller, deps);
      return server;
    },
    {
      maxRequestBodySize: deps.limits.bodyBytesMax,
      onerror: (error) => deps.log.debug({ reason: error.message }, "a message of the protocol was refused"),
    },
  );
}

function register(server: McpServer, tool: Tool, caller: Omit<Caller, "signal">, deps: ApiDeps): void {
  const { name, title, description, input, output, hints } = tool;
  server.registerTool(
    name,
    {
      title,
      description,
      inputSchema: unchecked(input),
      outputSchema: output,
      annotations: { title, openWorldHint: false, ...hints },
    },
    async (args, { mcpReq: { signal } }) => {
      try {
        const { said, result } = await tool.run(check(input, args, "The call"), { ...caller, signal });
        const structuredContent = output.parse(result);
        return { content: [text(`${said}\n${JSON.stringify(structuredContent)}`)], structuredContent };
      } catch (error) {
        const refused = apiErrorOf(error);
        const { requestId } = caller;
        if (isFault(refused)) {
          const { name: kind, message: reason } = error as Error;
          deps.log.error({ requestId, tool: name, error: kind, reason }, "call of a tool failed");
        }
        // The package would tell the model the message of any error, with what it reveals.
        return { content: [text(problemOf(refused, "/mcp", requestId).detail)], isError: true };
      }
    },
  );
}

function text(text: string) {
  return { type: "text", text } as const;
}

/** Returns a schema that describes its values and takes any: the tool says itself, in one sentence, what is wrong. */
function unchecked<Schema extends z.ZodObject>(schema: Schema) {
  const { jsonSchema } = schema["~standard"];
  const validate = (value: unknown) => ({ value: value as Record<string, unknown> });
  return { "~standard": { version: 1, vendor: "adareel", validate, jsonSchema } } as const;
}
