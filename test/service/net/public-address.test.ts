import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { isPublicAddress } from "../../../lib/service/net/index.ts";
import { isLoopbackAddress } from "../../../lib/service/net/public-address.ts";

/** Denied blocks: first and last address of each, and its public neighbours if it has any. */
const v4Blocks = [
  { first: "0.0.0.0", last: "0.255.255.255", after: "1.0.0.0" },
  { before: "9.255.255.255", first: "10.0.0.0", last: "10.255.255.255", after: "11.0.0.0" },
  { before: "100.63.255.255", first: "100.64.0.0", last: "100.127.255.255", after: "100.128.0.0" },
  { before: "126.255.255.255", first: "127.0.0.0", last: "127.255.255.255", after: "128.0.0.0" },
  { before: "168.63.129.15", first: "168.63.129.16", last: "168.63.129.16", after: "168.63.129.17" },
  { before: "169.253.255.255", first: "169.254.0.0", last: "169.254.255.255", after: "169.255.0.0" },
  { before: "172.15.255.255", first: "172.16.0.0", last: "172.31.255.255", after: "172.32.0.0" },
  { before: "191.255.255.255", first: "192.0.0.0", last: "192.0.0.255", after: "192.0.1.0" },
  { before: "192.0.1.255", first: "192.0.2.0", last: "192.0.2.255", after: "192.0.3.0" },
  { before: "192.88.98.255", first: "192.88.99.0", last: "192.88.99.255", after: "192.88.100.0" },
  { before: "192.167.255.255", first: "192.168.0.0", last: "192.168.255.255", after: "192.169.0.0" },
  { before: "198.17.255.255", first: "198.18.0.0", last: "198.19.255.255", after: "198.20.0.0" },
  { before: "198.51.99.255", first: "198.51.100.0", last: "198.51.100.255", after: "198.51.101.0" },
  { before: "203.0.112.255", first: "203.0.113.0", last: "203.0.113.255", after: "203.0.114.0" },
  { before: "223.255.255.255", first: "224.0.0.0", last: "239.255.255.255" },
  { first: "240.0.0.0", last: "255.255.255.255" },
];

test.each(v4Blocks)(
  "the range from $first to $last is not public, its neighbours are",
  ({ before, first, last, after }) => {
    expect([first, last].filter(isPublicAddress)).toEqual([]);
    const neighbours = [before, after].filter((address) => address !== undefined);
    expect(neighbours.filter((address) => !isPublicAddress(address))).toEqual([]);
  },
);

const end = "ffff:ffff:ffff:ffff:ffff:ffff";

test.each([
  ["the end of what lies before global unicast", `1fff:ffff:${end}`],
  ["the beginning of what lies after it", "4000::"],
  ["unspecified", "::"],
  ["loopback", "::1"],
  ["loopback, in full", "0:0:0:0:0:0:0:1"],
  ["mapped loopback", "::ffff:127.0.0.1"],
  ["mapped loopback in hex", "::ffff:7f00:1"],
  ["a mapped public address", "::ffff:8.8.8.8"],
  ["v4-compatible loopback", "::127.0.0.1"],
  ["a v4-compatible public address", "::8.8.8.8"],
  ["translated", "::ffff:0:127.0.0.1"],
  ["NAT64", "64:ff9b::169.254.169.254"],
  ["local NAT64", "64:ff9b:1::a00:1"],
  ["discard", "100::1"],
  ["the beginning of the protocol assignments", "2001::"],
  ["Teredo", "2001:0:7f00:1::1"],
  ["ORCHIDv2", "2001:20::1"],
  ["the end of the protocol assignments", `2001:1ff:${end}`],
  ["the beginning of documentation", "2001:db8::"],
  ["the end of documentation", `2001:db8:${end}`],
  ["6to4 around 10.0.0.1", "2002:a00:1::1"],
  ["the end of 6to4", `2002:ffff:${end}`],
  ["the beginning of new documentation", "3fff::"],
  ["the end of new documentation", `3fff:fff:${end}`],
  ["segment routing", "5f00::1"],
  ["unique local", "fc00::1"],
  ["the metadata service of AWS", "fd00:ec2::254"],
  ["link local", "fe80::1"],
  ["site local", "fec0::1"],
  ["multicast", "ff02::1"],
])("%s is not public: %s", (_, address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each([
  "2000::",
  `2000:ffff:${end}`,
  "2001:200::",
  `2001:db7:${end}`,
  "2001:db9::",
  "2001:4860:4860::8888",
  "2001:4860:4860::8.8.8.8",
  `2001:ffff:${end}`,
  "2003::",
  "2606:4700:4700::1111",
  "2A00:1450::1",
  `3ffe:ffff:${end}`,
  "3fff:1000::",
  `3fff:ffff:${end}`,
])("the address %s is public", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each([
  "",
  "example.com",
  "localhost",
  "8.8.8.8.",
  "8.8.8",
  "134744072",
  "0x8.8.8.8",
  "010.8.8.8",
  "8.8.8.8:443",
  " 8.8.8.8",
  "8.8.8.8/32",
  "８.8.8.8",
  "[2606:4700::1]",
  "2606:4700::1%eth0",
  "2606:4700:::1",
])("a text that is no plain literal is not public: %j", (text) => {
  expect(isPublicAddress(text)).toBe(false);
});

test("loopback is 127.0.0.0/8 and ::1, and no address that only contains them", () => {
  const loopback = ["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1", "0:0::0:1", "::0.0.0.1"];
  const others = ["126.255.255.255", "128.0.0.0", "0.0.0.0", "::", "::2", "::ffff:127.0.0.1", "::127.0.0.1"];
  expect(loopback.filter((address) => !isLoopbackAddress(address))).toEqual([]);
  expect([...others, "::ffff:7f00:1", "::1%lo", "localhost", ""].filter(isLoopbackAddress)).toEqual([]);
});

/** Python program that judges addresses. `stricter` lists blocks that are refused on purpose, unlike in Python. */
const oracle = `
import sys
from ipaddress import ip_address, ip_network
stricter = [ip_network(n) for n in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "224.0.0.0/4",
                                    "::/3", "4000::/2", "8000::/1", "2001::/23", "2002::/16", "3fff::/20")]
def verdict(text):
    address = ip_address(text)
    if any(address in network for network in stricter): return "not public"
    return "public" if address.is_global else "not public"
print("\\n".join(verdict(line) for line in sys.stdin.read().split()))
`;

const hasPython = spawnSync("python3", ["-c", "import ipaddress"]).status === 0;

test.skipIf(!hasPython)(
  "100,000 random literals are judged as Python's ipaddress does (needs python3)",
  () => {
    const random = mulberry32(1);
    const literals = Array.from({ length: 100_000 }, (_, index) => randomLiteral(random, index));
    const { stdout } = spawnSync("python3", ["-c", oracle], { input: literals.join("\n"), encoding: "utf8" });
    const verdicts = stdout.trim().split("\n");
    expect(verdicts).toHaveLength(literals.length);
    const differing = literals.filter(
      (literal, index) => isPublicAddress(literal) !== (verdicts[index] === "public"),
    );
    expect(differing).toEqual([]);
    const publicCount = verdicts.filter((verdict) => verdict === "public").length;
    expect(publicCount).toBeGreaterThan(20_000);
    expect(publicCount).toBeLessThan(80_000);
  },
);

/** Returns a random IPv4 or IPv6 literal, by turns. Half of them are near the edge of a block. */
function randomLiteral(random: () => number, index: number): string {
  const below = (limit: number) => Math.floor(random() * limit);
  const isNearEdge = index % 4 < 2;
  if (index % 2 === 0) {
    const edges = v4Blocks.flatMap(({ first, last }) => [first, last]);
    if (!isNearEdge) return Array.from({ length: 4 }, () => below(256)).join(".");
    return moved(edges[below(edges.length)]!.split(".").map(Number), 256, below(5) - 2).join(".");
  }
  const groups = Array.from({ length: 8 }, () => below(65_536));
  const heads = [0x2000, 0x2001, 0x2001, 0x2001, 0x2002, 0x3fff, 0x3ffe, 0x1fff, 0x4000, 0xfc00, 0xfe80, 0];
  const seconds = [0, 0x1ff, 0x200, 0xdb7, 0xdb8, 0xdb9, 0xfff, 0x1000, 0xffff];
  if (isNearEdge) groups.splice(0, 2, heads[below(heads.length)]!, seconds[below(seconds.length)]!);
  else groups[0] = groups[0]! >>> below(4);
  return groups.map((group) => group.toString(16)).join(":");
}

function moved(digits: number[], base: number, by: number): number[] {
  const whole = digits.reduce((sum, digit) => sum * base + digit, 0) + by;
  const wrapped = (whole + base ** digits.length) % base ** digits.length;
  return digits.map((_, index) => Math.floor(wrapped / base ** (digits.length - 1 - index)) % base);
}

/** Makes a generator of random numbers from 0 to 1 by a seed. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
