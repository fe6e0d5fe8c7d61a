import { readFileSync } from "node:fs";
import { parse, parseAllDocuments } from "yaml";

/** Fault of a file of deploy/ that its platform would take, as an edit of its text. */
export interface Mutant {
  /** Sentence that says what goes wrong. */
  readonly name: string;
  /** Path inside deploy/. */
  readonly file: string;
  readonly from: string | RegExp;
  readonly to: string;
  /** Title of the test that finds the fault. */
  readonly claim: string;
}

/** Fault that the files have for a moment. */
let mutant: Mutant | null = null;

/** Has the files of deploy/ show a fault, or be as they are. */
export function mutate(by: Mutant | null): void {
  mutant = by;
}

/**
 * Reads a file of deploy/.
 *
 * @throws Error if it should show a fault and does not have the text of it
 */
export function textOf(file: string): string {
  const text = readFileSync(`deploy/${file}`, "utf8");
  if (mutant?.file !== file) return text;
  const edited = text.replace(mutant.from, mutant.to);
  if (edited === text) throw new Error(`${file} has no text of the fault that ${mutant.name}.`);
  return edited;
}

/** Container of a manifest, with its environment as the platform would set it. */
export interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Values that the Secrets hold in tests. */
export const SECRETS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "adareel-s3": { AWS_ACCESS_KEY_ID: "stub", AWS_SECRET_ACCESS_KEY: "stub" },
};

// biome-ignore lint/suspicious/noExplicitAny: a manifest's shape is checked by tools/check-deploy.sh.
export type Manifest = any;

/** Reads the objects of a file of deploy/kubernetes. */
export function manifestsOf(file: string): Manifest[] {
  return parseAllDocuments(textOf(`kubernetes/${file}`), { version: "1.1" }).map((document) =>
    document.toJS(),
  );
}

/** Returns the services of deploy/compose.yaml by name. */
export function composeServices(): Record<string, Manifest> {
  return parse(textOf("compose.yaml"), { merge: true }).services;
}

/** Returns the container of a Deployment of deploy/kubernetes. */
export function containerOf(deployment: string, file: string): Container {
  const [settings] = manifestsOf("settings.yaml");
  const found = manifestsOf(file).find(
    ({ kind, metadata }) => kind === "Deployment" && metadata.name === deployment,
  );
  const [{ image, args = [], env, envFrom = [] }] = found.spec.template.spec.containers;
  const shared = envFrom.map(({ configMapRef, secretRef }: Manifest) => {
    if (secretRef) return SECRETS[secretRef.name];
    return configMapRef.name === settings.metadata.name ? settings.data : undefined;
  });
  if (shared.includes(undefined))
    throw new Error(`${deployment} takes its environment from something unknown.`);
  const own = Object.fromEntries(env.map(({ name, value }: Manifest) => [name, value]));
  return { image, args, env: Object.assign({}, ...shared, own) };
}

/** Returns the service of deploy/compose.yaml. */
export function composeService(name: string): Container {
  const { image, command = [], environment } = composeServices()[name];
  return { image, args: command, env: { ...environment, AWS_SECRET_ACCESS_KEY: "stub" } };
}

/** Returns the containers of the API and of a worker, as each platform starts them. */
export function platforms(): readonly [name: string, api: Container, worker: Container][] {
  return [
    ["Kubernetes", containerOf("adareel-api", "api.yaml"), containerOf("adareel-workers", "workers.yaml")],
    ["compose", composeService("api"), composeService("worker")],
  ];
}
