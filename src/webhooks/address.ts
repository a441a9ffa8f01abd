/**
 * Where a webhook may go. A merchant chooses the URL, and we stand inside a network that the merchant must not reach
 * through us: only addresses of the public internet are called.
 */
import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { err, ok, type Result } from 'neverthrow';

/** Public by their number, and yet answered by the platform that a machine runs on: Azure's "WireServer". */
const OF_THE_PLATFORM: ReadonlySet<string> = new Set(['168.63.129.16']);
/** All that is given out of IPv6; what tunnels or translates IPv4 lies outside of it, or has a range of its own name. */
const GLOBAL_UNICAST_V6: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/** Whether it is an IP address of the public internet. One written as IPv4 within IPv6 is the IPv4 address that it is. */
export const isPublicAddress = (text: string): boolean => {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text);
  if (address.range() !== 'unicast') return false;
  if (address instanceof ipaddr.IPv6) return address.match(GLOBAL_UNICAST_V6);
  return !OF_THE_PLATFORM.has(address.toString());
};

/** A URL's host as an address or a name: without the brackets of IPv6. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

/** The addresses of a host; none where it has none. Never rejects. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/**
 * Asks name servers over sockets. `dns.lookup` would ask the system on one of the process's few threads, so that a name
 * server that never answers, which a merchant may own, would hold up everyone who waits for a thread.
 */
export const resolve: Resolve = async (host) => {
  if (isIP(host) !== 0) return [host];
  // RFC 6761: it is this machine, whatever a name server says.
  if (host === 'localhost' || host.endsWith('.localhost')) return ['127.0.0.1', '::1'];
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
};

/** Whether a merchant may have this URL called, as far as it says so by itself. The error is what to tell the merchant. */
export const checkUrl = (text: string, allowPrivate: boolean): Result<URL, string> => {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) return err('It must be an https URL.');
  if (url.username || url.password) return err('It must not hold a user or a password.');
  if (allowPrivate) return ok(url);
  if (url.protocol !== 'https:') return err('It must be an https URL.');
  const host = hostOf(url);
  if (isIP(host) !== 0 && !isPublicAddress(host)) return err('Its address is not one of the public internet.');
  return ok(url);
};
