import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

/*
 * `npm run clients`: builds the packages of this folder into out/clients, and packs each into a .tgz that npm installs.
 * A package is one ES module and its declarations. Of the server it has the type of the app alone, written out.
 */

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Folders of the packages. */
const PACKAGES = ["typescript", "ai-sdk"] as const;

/** Declaration of the app, whose inferred type TypeScript writes out with all its members. */
const APP = "functions/api/app.ts";

/** Types of the server inside that type, and what a client may know of them. */
const KNOWN: Readonly<Record<string, string>> = {
  // A file of a form: this client sends JSON.
  FormFile: "never",
  PostFailure: "string",
};

/**
 * Builds the packages into folders below `target`.
 *
 * @returns paths of the .tgz files, by the name of the package
 */
export function buildClients(target: string): Readonly<Record<string, string>> {
  mkdirSync(target, { recursive: true });
  const declarations = mkdtempSync(join(tmpdir(), "adareel-clients-"));
  try {
    declare(declarations);
    return Object.fromEntries(PACKAGES.map((name) => buildPackage(name, join(target, name), declarations)));
  } finally {
    rmSync(declarations, { recursive: true, force: true });
  }
}

/** Writes the declarations of all sources that the packages reach into a folder. */
function declare(folder: string): void {
  const sources = PACKAGES.map((name) => `clients/${name}/src/index.ts`);
  const config = join(folder, "tsconfig.json");
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: ROOT,
    outDir: folder,
    typeRoots: [join(ROOT, "node_modules/@types")],
  };
  const files = [APP, ...sources].map((path) => join(ROOT, path));
  writeFileSync(
    config,
    JSON.stringify({ extends: join(ROOT, "tsconfig.json"), compilerOptions, files, include: [] }),
  );
  execFileSync(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", config]);
}

function buildPackage(name: string, target: string, declarations: string): [name: string, archive: string] {
  const source = join(ROOT, "clients", name);
  const dist = join(target, "dist");
  rmSync(target, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  buildSync({
    absWorkingDir: ROOT,
    entryPoints: [join(source, "src/index.ts")],
    outfile: join(dist, "index.js"),
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    packages: "external",
    logLevel: "warning",
  });
  const declared = join(declarations, "clients", name, "src");
  for (const file of readdirSync(declared)) {
    const text =
      file === "api.d.ts" ? apiDeclaration(declarations) : readFileSync(join(declared, file), "utf8");
    writeFileSync(join(dist, file), text.replaceAll(/(["']\.\/[^"']*)\.ts(["'])/g, "$1.js$2"));
  }
  for (const file of ["package.json", "README.md"]) cpSync(join(source, file), join(target, file));
  cpSync(join(ROOT, "LICENSE"), join(target, "LICENSE"));
  const packed = execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", ".."], {
    cwd: target,
    encoding: "utf8",
  });
  const { name: published } = JSON.parse(readFileSync(join(target, "package.json"), "utf8")) as {
    name: string;
  };
  return [published, join(target, "..", packed.trim())];
}

/**
 * Makes a declaration of the type of the app that needs no source of the server.
 *
 * @throws Error if the type has a type of the server that a client is not to know
 */
function apiDeclaration(declarations: string): string {
  const text = readFileSync(join(declarations, APP.replace(/\.ts$/, ".d.ts")), "utf8");
  const [, written] = /createApp\(deps: ApiDeps\): (.*?);\n\/\*\*/s.exec(text) ?? [];
  if (!written) throw new Error(`The declaration of ${APP} has changed its form: mend clients/build.ts.`);
  const type = written.replaceAll(/import\("\.[^)]*\)\.(\w+)/g, (_text, name: string) => {
    const known = KNOWN[name];
    if (!known)
      throw new Error(`The type of the app has ${name}: say in clients/build.ts what a client knows of it.`);
    return known;
  });
  return `/** Routes of the API. */\nexport type Api = ${type.replaceAll("ApiEnv", 'import("hono/types").BlankEnv')};\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const archives = Object.values(buildClients(join(ROOT, "out/clients")));
  process.stdout.write(archives.map((path) => `npm install ${relative(process.cwd(), path)}\n`).join(""));
}
