/** HTML that is made here, and what every page of the API has around it. */
export interface Page {
  readonly html: string;
}

export const escape = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export const NOTHING: Page = { html: '' };

type Value = string | number | Page | readonly Page[];

const render = (value: Value): string => {
  if (typeof value === 'string' || typeof value === 'number') return escape(String(value));
  return 'html' in value ? value.html : value.map((page) => page.html).join('');
};

/** A template whose values are escaped, unless they are pages themselves. */
export const html = (strings: TemplateStringsArray, ...values: Value[]): Page => ({
  html: strings.reduce((text, part, place) => `${text}${render(values[place - 1] ?? '')}${part}`),
});

/** Backquotes become code. */
export const prose = (text: string): string => escape(text).replace(/`([^`]+)`/g, '<code>$1</code>');

/** `main` is HTML. */
export const page = (title: string, main: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)} · Quittance</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="data:,">
</head>
<body>
<header><nav aria-label="Pages"><a href="/">Quittance</a> · <a href="/docs">Docs</a> · <a href="/docs/errors">Errors</a> · <a href="/openapi.json">OpenAPI</a></nav></header>
<main>
<h1>${escape(title)}</h1>
${main}
</main>
</body>
</html>
`;
