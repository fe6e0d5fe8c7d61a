import type { Language } from "../languages.ts";
import { JAVASCRIPT, json, literal, PYTHON } from "./literal.ts";

/** Programs that do the same in several languages. */
export type Programs = Readonly<Partial<Record<Language, string>>>;

/** Request that the programs send. */
export interface ProgramRequest {
  readonly method: string;
  /** Path in OpenAPI's notation: `/v1/videos/{id}`. */
  readonly path: string;
  readonly query?: string;
  readonly isPublic?: boolean;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Name of the file in which the answer is saved, if it is not JSON. */
  readonly file?: string;
  /** Id of a model, which the programs name; they read other ids from the environment. */
  readonly model?: string;
}

/** Returns complete programs that send a request. They read address, key and ids from the environment. */
export function programsOf(request: ProgramRequest): Required<Programs> {
  return { curl: curl(request), javascript: javascript(request), python: python(request) };
}

/** Returns the environment variable that holds the id of a path, such as `VIDEO_ID`; null without one. */
export function idVariable(path: string): string | null {
  const [, resource] = /^\/v1\/(\w+)s\/\{id\}/.exec(path) ?? [];
  return resource && resource !== "model" ? `${resource.toUpperCase()}_ID` : null;
}

/** Returns the path with its id as a language writes it. */
function pathWith({ path, query = "", model = "" }: ProgramRequest, written: (variable: string) => string) {
  const variable = idVariable(path);
  return path.replace("{id}", () => (variable ? written(variable) : model)) + query;
}

function curl(request: ProgramRequest): string {
  const { method, body, isPublic, headers = {}, file } = request;
  // curl's default method is POST with a body, and GET without one.
  const isTold = method !== (body === undefined ? "get" : "post");
  const options = [isTold && `-X ${method.toUpperCase()} `, file && `-L -o ${file} `]
    .filter(Boolean)
    .join("");
  const lines = [`curl ${options}"$ADAREEL_URL${pathWith(request, (variable) => `$${variable}`)}"`];
  if (!isPublic) lines.push('-H "Authorization: Bearer $ADAREEL_API_KEY"');
  for (const [name, value] of Object.entries(headers)) lines.push(`-H "${name}: ${value}"`);
  if (body !== undefined) {
    const text = json(body, "  ");
    lines.push('-H "Content-Type: application/json"', `-d '${text.replaceAll("'", "'\\''")}'`);
  }
  return lines.join(" \\\n  ");
}

function javascript(request: ProgramRequest): string {
  const { path, method, body, isPublic, headers = {}, file } = request;
  const id = idVariable(path);
  const variables = ["ADAREEL_URL", !isPublic && "ADAREEL_API_KEY", id].filter(Boolean).join(", ");
  const sent = [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder is one of the program
    ...(isPublic ? [] : ["Authorization: `Bearer ${ADAREEL_API_KEY}`"]),
    ...Object.entries(headers).map(([name, value]) => `${JAVASCRIPT.name(name)}: ${JSON.stringify(value)}`),
    ...(body === undefined ? [] : ['"Content-Type": "application/json"']),
  ];
  const options = [
    ...(method === "get" ? [] : [`method: "${method.toUpperCase()}"`]),
    ...(sent.length > 1 ? [`headers: {\n${sent.map((line) => `    ${line},\n`).join("")}  }`] : []),
    ...(sent.length === 1 ? [`headers: { ${sent[0]} }`] : []),
    ...(body === undefined ? [] : [`body: JSON.stringify(${literal(body, JAVASCRIPT, "  ")})`]),
  ];
  const url = `\`\${ADAREEL_URL}${pathWith(request, (variable) => `\${${variable}}`)}\``;
  const call =
    options.length > 0 ? `${url}, {\n${options.map((line) => `  ${line},\n`).join("")}}` : `${url}`;
  return [
    ...(file ? ['import { writeFile } from "node:fs/promises";', ""] : []),
    `const { ${variables} } = process.env;`,
    "",
    `const response = await fetch(${call});`,
    "if (!response.ok) throw new Error(await response.text());",
    file
      ? `await writeFile("${file}", Buffer.from(await response.arrayBuffer()));`
      : "console.dir(await response.json(), { depth: null });",
  ].join("\n");
}

function python(request: ProgramRequest): string {
  const { path, method, body, isPublic, headers = {}, file } = request;
  const id = idVariable(path);
  const sent = [
    ...(isPublic || file ? [] : ['"Authorization": f"Bearer {key}"']),
    ...Object.entries(headers).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`),
    ...(body === undefined ? [] : ['"Content-Type": "application/json"']),
  ];
  const url = `f"{url}${pathWith(request, (variable) => `{${variable.toLowerCase()}}`)}"`;
  const options = [
    url,
    ...(method === "get" ? [] : [`method="${method.toUpperCase()}"`]),
    ...(sent.length > 1 ? [`headers={\n${sent.map((line) => `        ${line},\n`).join("")}    }`] : []),
    ...(sent.length === 1 ? [`headers={${sent[0]}}`] : []),
    ...(body === undefined ? [] : [`data=json.dumps(${literal(body, PYTHON, "    ")}).encode()`]),
  ];
  const needsJson = body !== undefined || !file;
  return [
    ...(needsJson ? ["import json"] : []),
    ...(file ? ["import shutil"] : []),
    "import os",
    "import sys",
    "from urllib.error import HTTPError",
    "from urllib.request import Request, urlopen",
    "",
    'url = os.environ["ADAREEL_URL"]',
    ...(isPublic ? [] : ['key = os.environ["ADAREEL_API_KEY"]']),
    ...(id ? [`${id.toLowerCase()} = os.environ["${id}"]`] : []),
    "",
    options.length === 1
      ? `request = Request(${url})`
      : `request = Request(\n${options.map((line) => `    ${line},\n`).join("")})`,
    ...(file && !isPublic
      ? ["# The key is for the API alone: it does not follow the redirect to the signed URL."]
      : []),
    ...(file && !isPublic ? ['request.add_unredirected_header("Authorization", f"Bearer {key}")'] : []),
    "try:",
    ...(file
      ? [`    with urlopen(request) as response, open("${file}", "wb") as file:`]
      : ["    with urlopen(request) as response:"]),
    file
      ? "        shutil.copyfileobj(response, file)"
      : "        print(json.dumps(json.load(response), indent=2))",
    "except HTTPError as error:",
    "    sys.exit(error.read().decode())",
  ].join("\n");
}
