import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { ASSETS } from "../../functions/api/pages/assets.ts";
import { BASE_URL, testApi } from "./support.ts";

const api = await testApi();

const REFERENCE = ["", "/requests", "/videos", "/webhooks", "/triggers", "/models", "/errors"];
const PAGES = ["/", ...REFERENCE.map((page) => `/docs${page}`)];

async function load(path: string): Promise<{ response: Response; text: string }> {
  const response = await api.send("GET", path, { key: null });
  return { response, text: await response.text() };
}

const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found]) => found!);

describe.each(PAGES)("the page %s", (path) => {
  test("a page is HTML that needs no key", async () => {
    const { response, text } = await load(path);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/html; charset=UTF-8");
    expect(text).toMatch(/^<!doctype html><html lang="en">/);
  });

  test("a page runs only scripts and styles of its own origin, and cannot be framed", async () => {
    const { response } = await load(path);
    const policy = response.headers.get("content-security-policy")!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toMatch(/style-src 'self' 'sha256-[\w+/=]{44}';/);
    expect(policy).toContain("connect-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
  });

  test("a page has nothing inline that its content policy would refuse", async () => {
    const { text } = await load(path);
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style|<[^>]+ (?:style|on\w+)=/);
  });

  test("a browser that has the page is answered 304", async () => {
    const { response } = await load(path);
    const again = await api.send("GET", path, {
      key: null,
      headers: { "if-none-match": response.headers.get("etag")! },
    });
    expect(again.status).toBe(304);
  });

  test("every id of a page is unique, and every anchor leads to one", async () => {
    const { text } = await load(path);
    const ids = matches(text, / id="([^"]*)"/g);
    expect(new Set(ids).size).toBe(ids.length);
    const targets = [
      ...matches(text, / href="#([^"]*)"/g),
      ...matches(text, / (?:for|aria-labelledby)="([^"]*)"/g),
    ];
    expect(targets.filter((target) => !ids.includes(target))).toEqual([]);
  });
});

test("every file that the pages load exists, has its content type, and is of this origin", async () => {
  const waiting = [...PAGES];
  const seen = new Map<string, string>();
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    const { response, text } = await load(path);
    expect(`${path} ${response.status}`).toBe(`${path} 200`);
    seen.set(path, response.headers.get("content-type")!);
    const code = text.replaceAll(/\/\*.*?\*\//gs, "");
    const references = [
      ...matches(text, /<(?:script|link|img|source|video|iframe)[^>]* (?:src|href)="([^"]*)"/g),
      ...(path.endsWith(".js") ? matches(code, /(?:\bfrom|\bimport\() ?"([^"]*)"/g) : []),
      ...matches(text, /url\("?([^")]*)/g),
      ...matches(text, /@import "([^"]*)"/g),
    ];
    for (const reference of references) {
      // The programs that a page shows import modules of Node; the page does not.
      if (reference.startsWith("node:")) continue;
      const { origin, pathname } = new URL(reference, BASE_URL + path);
      expect(`${reference} ${origin}`).toBe(`${reference} ${BASE_URL}`);
      waiting.push(pathname);
    }
  }
  expect(seen.get("/assets/style.css")).toBe("text/css; charset=utf-8");
  expect(seen.get("/assets/icon.svg")).toBe("image/svg+xml");
  expect(seen.get("/assets/playground.js")).toBe("text/javascript; charset=utf-8");
  const assets = [...seen.keys()].filter((path) => path.startsWith("/assets/"));
  // Those of the page that checks videos, which npm start alone has.
  const own = [...ASSETS.keys()].filter((name) => !name.startsWith("verify."));
  expect(new Set(assets)).toEqual(new Set(own.map((name) => `/assets/${name}`)));
});

test("every anchor that leads from one page to another exists there", async () => {
  const texts = new Map<string, string>();
  for (const path of PAGES) texts.set(path, (await load(path)).text);
  const links = [...texts.values()].flatMap((text) => matches(text, / href="(\/[^"]*)"/g));
  const isWrong = (link: string) => {
    const { pathname, hash } = new URL(link, BASE_URL);
    if (pathname.startsWith("/assets/") || pathname === "/openapi.json") return false;
    return !texts.has(pathname) || (hash !== "" && !texts.get(pathname)!.includes(` id="${hash.slice(1)}"`));
  };
  expect(links.length).toBeGreaterThan(100);
  expect([...new Set(links.filter(isWrong))]).toEqual([]);
});

test.each(["/assets/none.js", "/assets/..%2froutes.ts", "/assets/tsconfig.json", "/assets/__proto__"])(
  "the asset path %s is not served",
  async (path) => {
    const { response, text } = await load(path);
    expect(response.status).toBe(404);
    expect(JSON.parse(text).error.code).toBe("not_found");
  },
);

/** Returns the sources of the scripts of a page, and of the modules that they import. */
function scriptsOf(page: string): string[] {
  const names = new Set(matches(page, /<script[^>]* src="\/assets\/([^"]*)"/g));
  // A set takes what is added while it is walked through.
  for (const name of names) {
    for (const imported of matches(ASSETS.get(name)!.text, / from "\.\/([^"]*)"/g)) names.add(imported);
  }
  return [...names].map((name) => ASSETS.get(name)!.text);
}

test.each(["/", "/docs"])("the elements that the scripts of %s look for are in the page", async (path) => {
  const { text } = await load(path);
  const ids = new Set(matches(text, / id="([^"]*)"/g));
  const names = new Set(matches(text, / name="([^"]*)"/g));
  const sources = scriptsOf(text);
  expect(sources.length).toBeGreaterThan(3);
  for (const source of sources) {
    expect(matches(source, /byId\("([^"]*)"\)/g).filter((id) => !ids.has(id))).toEqual([]);
    expect(matches(source, /control\("([^"]*)"\)/g).filter((name) => !names.has(name))).toEqual([]);
  }
});

test("the browser's modules type-check", async () => {
  const { stdout } = await promisify(execFile)("npx", ["tsc", "-p", "functions/api/pages/browser"]).catch(
    (failure: { stdout: string }) => failure,
  );
  expect(stdout).toBe("");
});
