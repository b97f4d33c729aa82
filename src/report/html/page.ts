import { html, type Markup, raw } from './markup.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';

/** A whole document that loads nothing: its policy forbids every request. */
export const page = (title: string, body: Markup): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
${body}
</main>
<script>${raw(SCRIPT)}</script>
</body>
</html>
`.text;
