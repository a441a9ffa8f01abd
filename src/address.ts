/** Addresses: those that a server listens on, and those that ask it. */
import { isIPv6 } from 'node:net';

/** IPv6 stands in brackets; an address that means every one of this machine is no address to go to. */
export const urlOf = (host: string, port: number): string => {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
};

/** Whether a `Host` is a name of this machine. One that is left out is no page's: a browser always sends it. */
export const isLocalHost = (host: string | undefined): boolean => host === undefined || LOCAL_HOST.test(host);
const LOCAL_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * Whom an address belongs to, to count by: of IPv6 whoever has one has a whole /64, and may ask from each of its
 * addresses (https://www.rfc-editor.org/rfc/rfc6177). IPv4 may be written as IPv6.
 */
export const networkOf = (address: string): string => {
  const four = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address)?.[1];
  if (four !== undefined || !isIPv6(address)) return four ?? address;
  const [before = '', after] = address.replace(/%.*$/, '').split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const zeros = after === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array<string>(zeros).fill('0'), ...tail].slice(0, 4);
  return `${groups.map((group) => parseInt(group, 16).toString(16)).join(':')}::/64`;
};
