#!/usr/bin/env bash
# MCP for Hono: a server made by createMcpHonoApp() answers everybody with 403 once it has a name, and its own pages after that.
#
# Expected: the app that the package makes serves requests, on a developer's machine as behind a domain.
#
# What happens: its default compares `Host` and `Origin` with the names of the own machine alone. Behind videos.example.com every
# request is refused. With `allowedHosts: ["videos.example.com"]` programs are served, and a page of that very site is still
# refused, as `Origin` has a list of its own (`allowedOrigins`), which stays at the names of the own machine.
#
# Why it matters: it works in every local test and fails in the first deployment; what fixes it works with every client that is
# no browser, and fails on the deployment's own page. The check is against pages that rebind a name to a local address, which
# hold no API key; a server that demands one may mount createMcpHandler on an app of its own.
#
# Versions: @modelcontextprotocol/hono 2.0.2, hono 4.13.19, Node 20.20. Date: 2026-11-30
# Needs: npm. Exits with 1 if the behaviour has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts \
  @modelcontextprotocol/hono@2.0.2 @modelcontextprotocol/server@2.4.0 hono@4.13.19 zod@4.6.7
cat >main.mjs <<'JS'
import { createMcpHonoApp } from "@modelcontextprotocol/hono";

const site = "videos.example.com";
async function asked(options, headers) {
  const app = createMcpHonoApp(options);
  app.get("/", (c) => c.text("served"));
  return (await app.request(`https://${site}/`, { headers })).status;
}
const program = { host: site };
const page = { host: site, origin: `https://${site}` };
const rows = [
  ["on the own machine", await asked({}, { host: "localhost" })],
  ["behind a domain", await asked({}, program)],
  ["with allowedHosts, a program", await asked({ allowedHosts: [site] }, program)],
  ["with allowedHosts, a page of the site", await asked({ allowedHosts: [site] }, page)],
];
for (const [name, status] of rows) console.log(`${status}  ${name}`);
if (rows.map(([, status]) => status).join() !== "200,403,200,403") process.exit(1);
JS
node main.mjs
