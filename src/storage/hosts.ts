/** Where the database is: one host, or several of which one takes writes. */
import { err, ok, type Result } from 'neverthrow';

export interface Hosts {
  /** The URL of the host that is tried next: the one that answered last, or the one after the one that failed. */
  readonly current: () => string;
  /** That one cannot be used: the next in turn is, unless somebody has moved on already. */
  readonly failed: (url: string) => void;
  readonly count: number;
}

/** `postgres://user:secret@one:5432,two:5433/name`, as libpq has it: a URL for each, in order. The error completes a sentence. */
export const parseHosts = (url: string): Result<readonly string[], string> => {
  const parts = /^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?)([^/?#@]*)(.*)$/.exec(url);
  if (!parts) return err('is no URL that starts with postgres:// or postgresql://');
  const [, before = '', hosts = '', after = ''] = parts;
  const urls = hosts.split(',').map((host) => `${before}${host}${after}`);
  return urls.every((one) => URL.canParse(one)) ? ok(urls) : err('names a host that cannot be read');
};

export const createHosts = (url: string): Hosts => {
  const urls = parseHosts(url).unwrapOr([url]);
  let at = 0;
  const current = (): string => urls[at] ?? url;
  return {
    current,
    failed: (failedUrl) => {
      if (failedUrl === current()) at = (at + 1) % urls.length;
    },
    count: urls.length,
  };
};
