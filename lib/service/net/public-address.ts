import { BlockList, isIP } from "node:net";

/** IANA's special-purpose blocks, multicast and class E; last, the platform address of Azure. */
const deniedV4 = subnets("ipv4", [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
  ["168.63.129.16", 32],
]);

/** All there is of global unicast; what embeds an IPv4 address elsewhere (mapped, NAT64) is not in it. */
const allowedV6 = subnets("ipv6", [["2000::", 3]]);

/** Protocol assignments with Teredo, documentation, and 6to4, which embeds an IPv4 address. */
const deniedV6 = subnets("ipv6", [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
]);

const loopbackV4 = subnets("ipv4", [["127.0.0.0", 8]]);
/** A list of its own: IPv4 rules would match mapped addresses too. */
const loopbackV6 = subnets("ipv6", [["::1", 128]]);

/**
 * Whether an IP literal is an address of the public internet, safe to connect to for a stranger. A name, an
 * address with a zone and anything else that is no plain IP literal is not.
 *
 * Source: the IANA special-purpose address registries, for IPv6 turned round: only what is known is allowed.
 */
export function isPublicAddress(ip: string): boolean {
  switch (plainFamily(ip)) {
    case 4:
      return !deniedV4.check(ip, "ipv4");
    case 6:
      return allowedV6.check(ip, "ipv6") && !deniedV6.check(ip, "ipv6");
    default:
      return false;
  }
}

/** Whether an IP literal is in 127.0.0.0/8 or is ::1; a 127.0.0.1 mapped into IPv6 is neither. */
export function isLoopbackAddress(ip: string): boolean {
  const family = plainFamily(ip);
  return family === 4 ? loopbackV4.check(ip, "ipv4") : family === 6 && loopbackV6.check(ip, "ipv6");
}

function plainFamily(ip: string): number {
  return ip.includes("%") ? 0 : isIP(ip);
}

function subnets(family: "ipv4" | "ipv6", list: readonly (readonly [string, number])[]): BlockList {
  const blocks = new BlockList();
  for (const [network, prefix] of list) blocks.addSubnet(network, prefix, family);
  return blocks;
}
