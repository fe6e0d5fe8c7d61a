import { isIP } from "node:net";
import { parsedUrl } from "../../shared/parsed-url.ts";
import { isLoopbackAddress, isPublicAddress } from "./public-address.ts";

export interface UrlRules {
  /** Allows http and https to localhost, 127.0.0.0/8 and ::1 on any port. For development only. */
  readonly allowLoopback: boolean;
  /** Setting of the service that sets `allowLoopback`, as its owner writes it; absent where there is none. */
  readonly loopbackSetting?: string;
  /** Host names, without port, to which no request goes, such as the service's own. They override `allowLoopback`. */
  readonly blockedHosts: readonly string[];
}

/** Result of a check: the normalised URL, or one sentence for the user on why it is refused. */
export type CheckedUrl =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly code: "invalid_url" | "blocked_address"; readonly reason: string };

const MAX_CHARACTERS = 2048;

/** Use of a URL, which decides what it may be. */
interface UrlUse {
  /** Beginning of a sentence about the URL. */
  readonly name: string;
  readonly example: string;
  readonly schemes: RegExp;
  readonly schemeNames: string;
  /** Allowed values of `URL.port`, which is empty for the usual port of the scheme; and their names. */
  readonly ports: readonly string[];
  readonly portNames: string;
  /** Purpose of a request to this machine, as the beginning of advice. */
  readonly does: string;
}

const WEBHOOK: UrlUse = {
  name: "A webhook URL",
  example: "https://example.com/hook",
  schemes: /^https:$/,
  schemeNames: "https://",
  ports: ["", "8443"],
  portNames: "port 443 or 8443",
  does: "to send to this machine",
};

const PICTURE: UrlUse = {
  name: "The URL of a picture",
  example: "https://example.com/picture.png",
  schemes: /^https?:$/,
  schemeNames: "https:// or http://",
  ports: ["", "8443"],
  portNames: "port 80, 443 or 8443",
  does: "to fetch from this machine",
};

/** Names that, with their subdomains, lead to internal hosts: reserved top-level domains and metadata services. */
const INNER_NAMES = ["localhost", "local", "internal", "metadata.goog"];

/**
 * Checks and normalises a URL for webhooks. A host name that passes may still resolve to a private address, which
 * `postGuarded` refuses.
 */
export function checkWebhookUrl(text: string, rules: UrlRules): CheckedUrl {
  return checkUrl(text, rules, WEBHOOK);
}

/** Checks and normalises the URL of a picture. A private address behind its host name is refused by `fetchGuarded`. */
export function checkPictureUrl(text: string, rules: UrlRules): CheckedUrl {
  return checkUrl(text, rules, PICTURE);
}

function checkUrl(text: string, rules: UrlRules, use: UrlUse): CheckedUrl {
  const { allowLoopback, loopbackSetting, blockedHosts } = rules;
  const refused = (code: "invalid_url" | "blocked_address") => (what: string) =>
    ({ ok: false, code, reason: `${use.name} ${what}.` }) as const;
  const [invalid, blocked] = [refused("invalid_url"), refused("blocked_address")];
  if (/[\s\p{Cc}]/u.test(text)) return invalid("may not contain spaces or control characters");
  const url = parsedUrl(text);
  if (!url) return invalid(`must be a complete URL such as ${use.example}`);
  if (url.href.length > MAX_CHARACTERS) return invalid(`may have at most ${MAX_CHARACTERS} characters`);
  if (url.username || url.password) return invalid("may not contain a user name or password");
  if (url.href.includes("#")) return invalid("may not have a fragment (#)");

  const host = hostOf(url);
  if (blockedHosts.some((name) => name.toLowerCase() === host))
    return blocked("may not lead to this service");
  if (isLoopbackHost(host) && (allowLoopback || loopbackSetting !== undefined)) {
    if (!/^https?:$/.test(url.protocol)) return invalid("must start with https:// or http://");
    if (allowLoopback) return { ok: true, url: url.href };
    const advice = `${use.does}, start the service with ${loopbackSetting}`;
    return blocked(`must lead to a host on the public internet: ${advice}`);
  }
  if (!use.schemes.test(url.protocol)) return invalid(`must start with ${use.schemeNames}`);
  if (!use.ports.includes(url.port)) return invalid(`must use ${use.portNames}`);
  const isInner = isIP(host) ? !isPublicAddress(host) : INNER_NAMES.some((name) => isUnder(host, name));
  if (isInner) return blocked("must lead to a host on the public internet");
  return { ok: true, url: url.href };
}

/** Returns the host of a URL, without the brackets of IPv6 and without the final dot of a full name. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

/** Returns whether the host is `localhost` or a loopback address. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || isLoopbackAddress(host);
}

function isUnder(host: string, name: string): boolean {
  return host === name || host.endsWith(`.${name}`);
}
