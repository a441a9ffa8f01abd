/** The console as a browser asks it, without a browser. */
import { expect } from '@jest/globals';

interface Seen {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface Console {
  readonly ask: (path: string, init?: RequestInit) => Promise<Seen>;
  /** A form of its own pages is sent. */
  readonly sendForm: (path: string, fields: Record<string, string>, headers?: Record<string, string>) => Promise<Seen>;
  /** The cookie of whoever has that key. */
  readonly signIn: (key: string) => Promise<string>;
  readonly read: (path: string, cookie: string) => Promise<Seen>;
}

export const consoleAt = (url: string): Console => {
  const ask: Console['ask'] = async (path, init = {}) => {
    const response = await fetch(url + path, { redirect: 'manual', ...init });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const sendForm: Console['sendForm'] = (path, fields, headers = {}) =>
    ask(path, { method: 'POST', body: new URLSearchParams(fields), headers: { Origin: url, ...headers } });
  return {
    ask,
    sendForm,
    signIn: async (key) => {
      const { status, headers } = await sendForm('/console/sign-in', { key });
      expect(status).toBe(303);
      return (headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    },
    read: (path, Cookie) => ask(path, { headers: { Cookie } }),
  };
};
