/** Replies that the service has given to a story of one day, for the documents: recorded by `npm run docs:contract`. */
export interface Example {
  /** A path with its query, as it was asked. */
  readonly path: string;
  readonly body?: unknown;
  readonly reply: unknown;
}

export type Examples = Readonly<Record<string, Example>>;
