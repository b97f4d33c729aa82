/** The style sheet of a page: two palettes, wide and narrow screens, paper. */
export const STYLE = `
:root { color-scheme: light dark;
  --bg: #f7f7f5; --panel: #ffffff; --ink: #1c1e24; --soft: #646a76; --line: #e2e2dd; --faint: #f1f1ee;
  --compute: #3467cf; --memory: #d67a1c; --overhead: #9298a3; --ghost: #cfd3da; --accent: #3467cf;
  --good: #14804f; --bad: #bf2f26; --warn: #9a6400; --warnbg: #fff6e0; }
@media (prefers-color-scheme: dark) { :root {
  --bg: #111317; --panel: #191c22; --ink: #e8eaee; --soft: #99a1b0; --line: #2c313a; --faint: #20242b;
  --compute: #739ff7; --memory: #f2a65a; --overhead: #737b88; --ghost: #3d444f; --accent: #8db1ff;
  --good: #52c78f; --bad: #ff8177; --warn: #f0c05a; --warnbg: #2a2414; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1140px; margin: 0 auto; padding: 28px 20px 64px; }
header h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
header p { margin: 0; color: var(--soft); }
h2 { font-size: 17px; margin: 34px 0 4px; letter-spacing: -0.005em; }
h2 + p, .lead { color: var(--soft); margin: 0 0 12px; max-width: 78ch; }
h3 { font-size: 14px; margin: 18px 0 4px; }
a { color: var(--accent); }
code, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.9em; overflow-wrap: anywhere; }
.panel, .card { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; }
.panel { padding: 16px 18px; margin: 12px 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(164px, 1fr)); gap: 12px; margin: 20px 0 8px; }
.card { padding: 14px 16px 12px; display: flex; flex-direction: column; }
.card .label { color: var(--soft); font-size: 13px; }
.card .value { font-size: 25px; font-weight: 650; line-height: 1.2; letter-spacing: -0.02em; white-space: nowrap; }
.card .value small { font-size: 15px; font-weight: 500; color: var(--soft); letter-spacing: 0; }
.card .was { font-size: 13px; color: var(--soft); }
.card .basis { font-size: 12px; color: var(--soft); }
.better { color: var(--good); font-weight: 600; } .worse { color: var(--bad); font-weight: 600; }
.band { position: relative; height: 22px; margin: auto 0 4px; top: 4px; }
.band i { position: absolute; height: 3px; border-radius: 2px; } .band b { position: absolute; width: 9px; height: 9px; margin-left: -4px; border-radius: 50%; }
.band .f { top: 5px; background: var(--overhead); opacity: 0.55; } .band b.f { top: 2px; opacity: 1; background: var(--panel); border: 2px solid var(--overhead); }
.band .q { top: 15px; background: var(--compute); opacity: 0.45; } .band b.q { top: 12px; opacity: 1; background: var(--compute); }
.caveats { background: var(--warnbg); border: 1px solid var(--line); border-radius: 10px; padding: 10px 18px; margin: 14px 0; }
.caveats ul { margin: 0; padding-left: 18px; } .caveats li { margin: 3px 0; }
.chart { margin: 0; } .chart svg { display: block; max-width: 100%; height: auto; } .chart .narrow { display: none; }
svg text { font-family: inherit; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; color: var(--soft); font-size: 13px; margin: 0 0 8px; }
.legend span::before { content: ""; display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 6px; background: var(--c); }
.scroll { overflow-x: auto; } .tall { max-height: 520px; overflow: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { text-align: left; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 500; white-space: nowrap; position: sticky; top: 0; background: var(--panel); z-index: 1; }
th[data-sort] { cursor: pointer; } th[aria-sort=ascending]::after { content: " ↑"; } th[aria-sort=descending]::after { content: " ↓"; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.whole { white-space: nowrap; } td.name { min-width: 130px; overflow-wrap: anywhere; } tr:last-child td { border-bottom: 0; }
input[type=search] { width: min(100%, 340px); padding: 7px 11px; margin: 0 0 10px; font: inherit; font-size: 14px;
  color: inherit; background: var(--faint); border: 1px solid var(--line); border-radius: 8px; }
table.stack td:first-child { font-weight: 500; }
details > summary { cursor: pointer; color: var(--soft); } details.report { margin-top: 26px; }
details.report > summary { font-size: 20px; font-weight: 650; color: var(--ink); padding: 10px 0; border-top: 1px solid var(--line); }
.small { display: grid; grid-template-columns: repeat(auto-fill, minmax(232px, 1fr)); gap: 12px; }
.small figure { margin: 0; min-width: 0; } .small svg { max-width: 100%; height: auto; display: block; }
.small figcaption { font-size: 12px; overflow-wrap: anywhere; line-height: 1.35; } .small figcaption span { color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 0; font-size: 13.5px; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.best { font-weight: 650; } .muted { color: var(--soft); }
#tip { position: fixed; z-index: 9; pointer-events: none; max-width: 340px; padding: 6px 10px; border-radius: 7px; font-size: 12.5px;
  white-space: pre-line; background: var(--ink); color: var(--bg); box-shadow: 0 3px 14px #0004; overflow-wrap: anywhere; }
@media (max-width: 700px) {
  main { padding: 18px 14px 48px; } header h1 { font-size: 21px; } .panel { padding: 12px; }
  .chart .wide { display: none; } .chart .narrow { display: block; }
  .cards { grid-template-columns: repeat(auto-fit, minmax(152px, 1fr)); gap: 8px; } .card { padding: 11px 12px; } .card .value { font-size: 22px; }
  table.stack thead { display: none; } table.stack td { display: block; border: 0; padding: 1px 0; } table.stack td.n { text-align: left; } table.stack td:empty { display: none; }
  table.stack td[data-h]::before { content: attr(data-h) " "; color: var(--soft); } table.stack tr { display: block; padding: 7px 0; border-bottom: 1px solid var(--line); }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; } }
@media print { body { background: #fff; } .tall { max-height: none; } input[type=search], #tip { display: none; } }
`;

/** Variables of the light palette: name → colour. */
export const COLOURS: Readonly<Record<string, string>> = Object.fromEntries(
  [...STYLE.slice(0, STYLE.indexOf('@media')).matchAll(/--(\w+): (#\w+)/g)].map(([, name, colour]) => [
    name,
    colour,
  ]),
);
