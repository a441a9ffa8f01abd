/** The runbook: what on-call does, as a page of the ops port, and the sentence that each of its headings begins with. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { marked, Renderer, type Tokens } from 'marked';
import { ERRORS, type ErrorCode } from '../error.ts';

const FOLDER = join(import.meta.dirname, '../../scripts/ops');
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
/** As it stands in the rules and the dashboard: where the demo's is. */
const WRITTEN = 'http://127.0.0.1:3001/runbook';
/** As it stands in the runbook's commands. */
const WRITTEN_OPS = 'localhost:3001';

/** `Unknown outcomes` → `unknown-outcomes`, as GitHub has it: links within the file work there too. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .trim()
    .replaceAll(/\s+/g, '-');

const page = (opsUrl: string): string => {
  const renderer = new Renderer();
  renderer.heading = function ({ tokens, depth, text }: Tokens.Heading) {
    const id = anchorOf(text);
    const level = String(depth);
    return `<h${level} id="${id}"><a href="#${id}">${this.parser.parseInline(tokens)}</a></h${level}>\n`;
  };
  const body = marked.parse(read('runbook.md').replaceAll(WRITTEN_OPS, new URL(opsUrl).host), {
    renderer,
    async: false,
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>Quittance: the runbook</title>
<link rel="icon" href="data:," />
<link rel="stylesheet" href="/style.css" />
</head>
<body class="document"><nav><a href="/">Live page</a> · <a href="/rules.yml">alert rules</a> · <a href="/dashboard.json">dashboard</a></nav>
<main>
${body}</main></body>
</html>
`;
};

/** What each heading says first, without its marks: it stands beside what is wrong. */
const sentencesIn = (markdown: string): Readonly<Record<string, string>> => {
  const sentences: Record<string, string> = {};
  let heading: string | undefined;
  for (const token of marked.lexer(markdown)) {
    if (token.type === 'heading') heading = anchorOf((token as Tokens.Heading).text);
    if (token.type !== 'paragraph' || heading === undefined) continue;
    sentences[heading] ??= plain(token as Tokens.Paragraph);
  }
  return sentences;
};

const plain = ({ text }: Tokens.Paragraph): string =>
  text
    .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1')
    .replaceAll(/[*`]/g, '')
    .replaceAll(/\s+/g, ' ')
    // Two of them: the rest is read there.
    .split(/(?<=[.!?]) (?=[A-Z])/)
    .slice(0, 2)
    .join(' ');

export interface Runbook {
  readonly page: () => string;
  /** By heading: the two sentences that it begins with. */
  readonly sentences: Readonly<Record<string, string>>;
  /** The alert rules and the dashboard, whose links lead to this runbook. */
  readonly rules: () => string;
  readonly dashboard: () => string;
}

/** `url` is where the runbook is for those who read a line or an alert; `opsUrl`, where this port is for its commands. */
export const openRunbook = (url: () => string, opsUrl: () => string): Runbook => ({
  page: () => page(opsUrl()),
  sentences: sentencesIn(read('runbook.md')),
  rules: () => read('rules.yml').replaceAll(WRITTEN, url()),
  dashboard: () => read('dashboard.json').replaceAll(WRITTEN, url()),
});

/** Where the ops port's own runbook is for another machine: nobody can open the address that stands for all of them. */
export const runbookAt = (opsUrl: string): string => {
  const url = new URL('/runbook', opsUrl);
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = hostname();
  return url.href;
};

/**
 * Where it tells of what a line tells: what that names as its `runbook`, or its error, where that is a fault of ours, of the
 * database or of Stripe's.
 */
export const createLead =
  (
    runbookUrl: () => string,
  ): ((fields: { readonly runbook?: unknown; readonly code?: unknown }) => string | undefined) =>
  ({ runbook, code }) => {
    const isFault = typeof code === 'string' && isErrorCode(code) && ERRORS[code].status >= 500;
    const place = typeof runbook === 'string' ? runbook : isFault ? code : undefined;
    return place === undefined ? undefined : `${runbookUrl()}#${place}`;
  };
const isErrorCode = (code: string): code is ErrorCode => code in ERRORS;
