import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect } from "vitest";

/** Client of the API, or library for its webhooks, with the program in this folder that drives it. */
export interface Client {
  readonly name: string;
  /** Program with its arguments; null where the client is not installed. */
  readonly command: readonly [string, ...string[]] | null;
  /** Environment variable that says where the client is installed. */
  readonly variable: string;
  /** JSON that its program prints. */
  readonly sees: object;
}

/** Verdicts of a library on the webhooks. */
const verdicts = {
  current: "video.completed",
  previous: "video.completed",
  tampered: expect.stringMatching(/^refused: .*signature/i),
  foreign: expect.stringMatching(/^refused: .*signature/i),
  stale: expect.stringMatching(/^refused: .*(old|timestamp)/i),
};

/** Cache of the videos: a list of objects inside an object, which clients write into forms in many ways. */
export const CODEBOOK = [{ below: 0.1, rate: 4 }, { below: 0.3, rate: 2 }, { rate: 1 }];

/** Members that every client prints that makes videos. */
const videos = {
  created: expect.objectContaining({
    seconds: "2",
    size: "64x64",
    params: expect.objectContaining({
      seed: 7,
      cache: expect.objectContaining({ codebook: CODEBOOK, warmup_steps: 2 }),
    }),
  }),
  polled: "completed",
  content: expect.stringMatching(/^video\.mp4 of video_/),
  thumbnail: expect.stringMatching(/^thumbnail\.webp of video_/),
  remixed: true,
  listed: 3,
};

/** Members that all of OpenAI's clients print. An error has a status, a code, a parameter, and mostly a class. */
const openai = {
  ...videos,
  metadata: { order: "42" },
  models: ["demo"],
  deleted: true,
  missing: [404, "video_not_found", null],
  unknown: [400, "unknown_parameter", "colours"],
  keyless: [401, "invalid_api_key", null],
  endpoints: {
    names: ["mine", "ours", "ours"],
    listed: true,
    rotated: true,
    tested: 204,
    types: ["video.queued", "video.in_progress", "video.completed", "video.failed"],
    deleted: true,
  },
  verdicts,
};

/** The clients for JavaScript and Python name their errors alike. */
const openaiClasses = {
  ...openai,
  missing: ["NotFoundError", ...openai.missing],
  unknown: ["BadRequestError", ...openai.unknown],
  keyless: ["AuthenticationError", ...openai.keyless],
};

/** Earlier versions for JavaScript do not manage endpoints. */
const openai6 = { ...openaiClasses, endpoints: null };

const openaiJava = {
  ...openai,
  missing: ["NotFoundException", ...openai.missing],
  unknown: ["BadRequestException", ...openai.unknown],
  keyless: ["UnauthorizedException", ...openai.keyless],
};

/** The client for Go follows no redirect to another origin. */
const openaiGo = {
  ...openai,
  redirect: expect.stringContaining("origin must match the configured base URL"),
};

/** LiteLLM has the code and the parameter of an error in its text only. */
const litellm = {
  ...videos,
  missing: ["NotFoundError", 404, expect.stringContaining('"code":"video_not_found"')],
  unknown: ["BadRequestError", 400, expect.stringContaining('"param":"colours"')],
};

/** Every client that is driven, whether it is installed or not. */
export const CLIENTS: readonly Client[] = [
  inNode("openai for JavaScript, 7", ["openai.ts", "openai"], openaiClasses),
  inNode("openai for JavaScript, 6.49", ["openai.ts", "openai-6-49"], openai6),
  inNode("openai for JavaScript, 6.3", ["openai.ts", "openai-6-3"], openai6),
  inNode("standardwebhooks for JavaScript", ["standardwebhooks.ts"], { verdicts }),
  inPython("openai for Python", "openai", openaiClasses),
  inPython("LiteLLM", "litellm", litellm),
  inPython("svix for Python", "svix", { verdicts }),
  inPython("standardwebhooks for Python", "standardwebhooks", { verdicts }),
  built("openai for Go", "ADAREEL_GO_CLIENTS", "openai", openaiGo),
  built("svix for Go", "ADAREEL_GO_CLIENTS", "svix", { verdicts }),
  built("standardwebhooks for Go", "ADAREEL_GO_CLIENTS", "standardwebhooks", { verdicts }),
  inJava("openai for Java", "OpenAi", openaiJava),
  inJava("svix for Java", "Svix", { verdicts }),
  inJava("standardwebhooks for Java", "StandardWebhooks", { verdicts }),
  built("svix for Rust", "ADAREEL_RUST_CLIENTS", "svix-client", { verdicts }),
  built("standardwebhooks for Rust", "ADAREEL_RUST_CLIENTS", "standardwebhooks-client", { verdicts }),
];

function inNode(name: string, [program, ...rest]: [string, ...string[]], sees: object): Client {
  const path = join(import.meta.dirname, "js", program);
  return { name, command: [process.execPath, "--import", "tsx", path, ...rest], variable: "", sees };
}

function inPython(name: string, library: string, sees: object): Client {
  const variable = "ADAREEL_PYTHON";
  const python = process.env[variable] ?? "python3";
  // Looking for a package is faster than importing it.
  const look = `import importlib.util, sys; sys.exit(importlib.util.find_spec("${library}") is None)`;
  const isInstalled = spawnSync(python, ["-c", look]).status === 0;
  const program = join(import.meta.dirname, "python", `${library}_client.py`);
  return { name, command: isInstalled ? [python, program] : null, variable, sees };
}

/** Describes a client whose program was built into a folder, which a variable names. */
function built(name: string, variable: string, program: string, sees: object): Client {
  const path = join(process.env[variable] ?? "", program);
  const isBuilt = process.env[variable] !== undefined && existsSync(path);
  return { name, command: isBuilt ? [path] : null, variable, sees };
}

function inJava(name: string, program: string, sees: object): Client {
  const variable = "ADAREEL_JAVA_CLIENTS";
  const { [variable]: folder } = process.env;
  if (folder === undefined) return { name, command: null, variable, sees };
  const classPath = [join(folder, "classes"), join(folder, "lib", "*")].join(delimiter);
  return { name, command: ["java", "-cp", classPath, program], variable, sees };
}
