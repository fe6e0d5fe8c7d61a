import { BlockList, isIP } from "node:net";

/** Denied IPv4 blocks: IANA's special-purpose blocks, multicast and class E, and the platform address of Azure. */
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

/** Global unicast. It excludes mapped addresses and NAT64, which embed an IPv4 address. */
const allowedV6 = subnets("ipv6", [["2000::", 3]]);

/** Denied blocks of global unicast: protocol assignments (with Teredo), documentation, 6to4 (embeds IPv4 addresses). */
const deniedV6 = subnets("ipv6", [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
]);

const loopbackV4 = subnets("ipv4", [["127.0.0.0", 8]]);
/** Loopback of IPv6. It has its own list, because IPv4 rules would also match mapped addresses. */
const loopbackV6 = subnets("ipv6", [["::1", 128]]);

/**
 * Returns whether a text is an IP literal of the public internet, to which a user may make this service connect. False
 * for a name, for an address with a zone, and for anything else that is not a plain IP literal.
 *
 * Source: the IANA special-purpose address registries. IPv4 is a deny list; IPv6 is an allow list with exceptions.
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

/** Returns whether an IP literal is ::1 or in 127.0.0.0/8. An IPv4 address mapped into IPv6 is neither. */
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
