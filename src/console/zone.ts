/** The zone in which pages tell days and hours: once chosen on one, it holds for all, until another is. */
import type { IncomingHttpHeaders } from 'node:http';
import { zoneOf } from '../domain/cut.ts';
import { isLocalHost } from '../address.ts';

const NAME = 'quittance-zone';
const YEAR_S = 365 * 24 * 3600;

/** What was chosen before; undefined where nothing was, or it is no zone. */
export const zoneKept = ({ cookie = '' }: IncomingHttpHeaders): string | undefined => {
  const kept = cookie
    .split(';')
    .map((one) => one.trim().split('='))
    .find(([name]) => name === NAME)?.[1];
  return kept !== undefined && zoneOf(kept).isOk() ? kept : undefined;
};

/** UTC is what holds where nothing is kept. */
export const zoneCookie = ({ host }: IncomingHttpHeaders, zone: string): string =>
  `${NAME}=${zone}; Path=/console; Max-Age=${zone === 'UTC' ? 0 : YEAR_S}; HttpOnly; SameSite=Lax${
    isLocalHost(host) ? '' : '; Secure'
  }`;
