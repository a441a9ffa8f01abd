/** Addresses that a server listens on, as the URLs by which it is reached from this machine. */

/** IPv6 stands in brackets; an address that means every one of this machine is no address to go to. */
export const urlOf = (host: string, port: number): string => {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
};

/** Whether a `Host` is a name of this machine. One that is left out is no page's: a browser always sends it. */
export const isLocalHost = (host: string | undefined): boolean => host === undefined || LOCAL_HOST.test(host);
const LOCAL_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;
