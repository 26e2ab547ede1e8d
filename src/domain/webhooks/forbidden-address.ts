import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
/** A network: its address and prefix length. */
export type AddressRange = readonly [Address, number];

/**
 * Networks a webhook must never reach: everything that is not globally routable by the IANA special-purpose
 * registries (RFC 6890 and updates), so that a URL cannot be used to reach the inside of the deployment.
 */
const FORBIDDEN = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/128', '::1/128', '100::/64', '64:ff9b:1::/48', '2001:db8::/32', '3fff::/20', '5f00::/16'],
  ...['fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
].map(parseRange);

/** Prefixes whose last 32 bits are an IPv4 address: compatible, mapped, translated (SIIT) and NAT64. */
const V4_AT_END = ['::/96', '::ffff:0:0/96', '::ffff:0:0:0/96', '64:ff9b::/96'].map(parseRange);
const SIX_TO_FOUR = parseRange('2002::/16');
const TEREDO = parseRange('2001::/32');

/** Parses the ranges of a setting. Throws on text that is neither an address nor a CIDR. */
export function parseRanges(cidrs: readonly string[]): AddressRange[] {
  return cidrs.map(parseRange);
}

/**
 * Whether an IP address in text form must not be connected to. IPv4 inside IPv6 is judged by the inner address.
 * Text that is not an address is forbidden.
 *
 * @param allowed ranges that are permitted all the same, e.g. an internal receiver
 */
export function isForbiddenAddress(text: string, allowed: readonly AddressRange[] = []): boolean {
  const bare = text.replace(/%.*$/, '');
  if (isIP(bare) === 0) return true;
  return isForbidden(ipaddr.parse(bare), allowed);
}

function isForbidden(address: Address, allowed: readonly AddressRange[]): boolean {
  if (allowed.some((range) => matches(address, range))) return false;
  const inner = address.kind() === 'ipv6' ? innerAddresses(address as ipaddr.IPv6) : [];
  if (inner.some((v4) => isForbidden(v4, allowed))) return true;
  return FORBIDDEN.some((range) => matches(address, range));
}

/** The IPv4 addresses that an IPv6 address carries and that a router on the way may unwrap. */
function innerAddresses(address: ipaddr.IPv6): ipaddr.IPv4[] {
  const bytes = address.toByteArray();
  const v4 = (from: number, mask = 0) =>
    new ipaddr.IPv4(bytes.slice(from, from + 4).map((byte) => byte ^ mask));
  if (V4_AT_END.some((range) => matches(address, range))) return [v4(12)];
  if (matches(address, SIX_TO_FOUR)) return [v4(2)];
  // RFC 4380: the server at 32..63 and the client, inverted, at 96..127.
  if (matches(address, TEREDO)) return [v4(4), v4(12, 0xff)];
  // RFC 5214: interface identifier [02]00:5efe:<IPv4> under any prefix.
  const isatap = (bytes[8]! & 0xfd) === 0 && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe;
  return isatap ? [v4(12)] : [];
}

function matches(address: Address, [network, bits]: AddressRange): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

function parseRange(text: string): AddressRange {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    const address = ipaddr.parse(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch {
    throw new Error(`address range "${text}": expected an IP address or a CIDR such as 10.1.0.0/16`);
  }
}
