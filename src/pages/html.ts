/** What every page of the API has around it. Text is escaped where it is put in: `escape`, or `prose` for backquotes. */

export const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

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
