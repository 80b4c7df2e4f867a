"""How the report looks: on light and dark screens, from phone to desk, and on A4 paper."""

from __future__ import annotations

from ..pictures.layers import HEAT_COLORS

_HEAT_STOPS = ", ".join(f"rgb({r} {g} {b})" for r, g, b in HEAT_COLORS)

STYLESHEET = (
    """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --panel: #f6f7f9; --ink: #1a1e24; --soft: #5a6472; --line: #dfe3e8; --accent: #0b6e86;
  --warn-paper: #fff6e0; --warn-ink: #6b4700; --warn-line: #f0c36a;
  --alert-paper: #fdecee; --alert-ink: #8a1020; --alert-line: #eba3ac;
  --read-paper: #e9f3ee; --read-ink: #12553a; --read-line: #9fcdb7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --panel: #1c2026; --ink: #e8eaed; --soft: #a2abb7; --line: #323943; --accent: #62c4dd;
    --warn-paper: #2e2611; --warn-ink: #f3d28f; --warn-line: #6d5720;
    --alert-paper: #351a1e; --alert-ink: #ffb3bb; --alert-line: #7b333c;
    --read-paper: #17291f; --read-ink: #a5dcc0; --read-line: #33604a;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.2rem 2rem 3rem; max-width: 70rem; background: var(--paper); color: var(--ink);
  font: 0.95rem/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
h1, h2, h3 { line-height: 1.25; margin: 0; }
.meta, .note, dd { overflow-wrap: anywhere; }
h1 { font-size: 1.65rem; font-weight: 650; letter-spacing: -0.01em; }
h2 { font-size: 1.15rem; font-weight: 650; margin: 2.4rem 0 0.8rem; }
h3 { font-size: 1.1rem; font-weight: 650; }
p { margin: 0.5rem 0; }
a { color: inherit; text-decoration-color: var(--soft); text-underline-offset: 0.15em; }
.brand { font-weight: 700; letter-spacing: 0.02em; color: var(--accent); margin: 0 0 0.25rem; }
.meta { color: var(--soft); margin: 0.35rem 0 0; }
.lead { font-size: 1.2rem; line-height: 1.5; max-width: 54rem; margin: 1.4rem 0 0; text-wrap: pretty; }
.note { border: 1px solid var(--line); border-left-width: 4px; border-radius: 6px; padding: 0.6rem 0.9rem;
  margin: 0.8rem 0; }
.note p { margin: 0; } .note p + p { margin-top: 0.3rem; }
.demonstration { background: var(--warn-paper); border-color: var(--warn-line); color: var(--warn-ink);
  margin-top: 1.2rem; }
.demonstration strong { font-size: 1.05rem; }
.warning { background: var(--warn-paper); border-color: var(--warn-line); color: var(--warn-ink); }
.disagreement { background: var(--alert-paper); border-color: var(--alert-line); color: var(--alert-ink); }
.reading { background: var(--read-paper); border-color: var(--read-line); color: var(--read-ink); }
.reading .who { opacity: 0.85; font-size: 0.88rem; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: 0.5rem 0.9rem 0.5rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; font-size: 0.82rem; color: var(--soft); vertical-align: bottom; }
tbody th { font-size: inherit; color: inherit; vertical-align: top; white-space: nowrap; }
.kidneys { max-width: 46rem; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.missing { color: var(--soft); }
.sub { display: block; color: var(--soft); font-size: 0.85rem; font-weight: 400; }
.chip { display: inline-flex; align-items: center; gap: 0.45em; white-space: nowrap; font-weight: 600; }
.chip::before { content: ""; width: 0.8em; height: 0.8em; border-radius: 50%; background: var(--color);
  box-shadow: 0 0 0 1px rgb(0 0 0 / 0.3); }
.flag { display: inline-block; border: 1px solid currentColor; border-radius: 0.8rem; padding: 0 0.6em;
  font-size: 0.8rem; line-height: 1.5; color: var(--soft); margin: 0.1rem 0.3rem 0.1rem 0; }
.flag.alert { color: var(--alert-ink); } .flag.read { color: var(--read-ink); }
.bars { display: grid; grid-template-columns: 3.4rem minmax(3rem, 1fr) 3rem; gap: 0.2rem 0.6rem; align-items: center;
  font-size: 0.85rem; min-width: 10.5rem; }
.bars .track { height: 0.55rem; border-radius: 3px; background: var(--line); overflow: hidden; }
.bars .fill { display: block; height: 100%; width: var(--share); background: var(--color);
  box-shadow: inset 0 0 0 1px rgb(0 0 0 / 0.18); border-radius: 3px; }
.bars .name, .bars .value { white-space: nowrap; } .bars .value { text-align: right; } .bars .most { font-weight: 650; }
.bars.votes { grid-template-columns: auto minmax(6rem, 22rem) auto; justify-content: start; margin: 0.8rem 0; }
figure svg.votes { background: var(--panel); border: 1px solid var(--line); }
svg.votes text { fill: var(--soft); font: 11px system-ui, "DejaVu Sans", sans-serif; }
svg.votes .half, svg.votes .floor { stroke: var(--soft); stroke-width: 1; fill: none; }
svg.votes .half { stroke-dasharray: 4 4; }
.pictures { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.7rem; }
.pictures.pair { grid-template-columns: repeat(2, 1fr); }
figure { margin: 0; min-width: 0; }
figure svg { display: block; width: 100%; height: auto; background: #000; border-radius: 4px; }
figcaption { color: var(--soft); font-size: 0.82rem; margin-top: 0.2rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; color: var(--soft); font-size: 0.85rem;
  margin: 0.5rem 0 0; align-items: center; }
.legend .chip { font-weight: 400; }
.heat { display: inline-block; width: 7rem; height: 0.6rem; border-radius: 3px; margin: 0 0.4rem;
  vertical-align: baseline; background: linear-gradient(to right, """
    + _HEAT_STOPS
    + """); }
.letters text { fill: #f2f2f2; font: 600 17px system-ui, "DejaVu Sans", sans-serif; }
.scale text { fill: #f2f2f2; font: 500 15px system-ui, "DejaVu Sans", sans-serif; }
.scale path { stroke: #f2f2f2; stroke-width: 2; fill: none; }
.marks text { fill: #fff; font: 700 20px system-ui, "DejaVu Sans", sans-serif; text-anchor: middle; }
.letters text, .scale text, .marks text { paint-order: stroke; stroke: rgb(0 0 0 / 0.75); stroke-width: 3.5px;
  stroke-linejoin: round; }
.mass { border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem 1.2rem 1.2rem; margin: 1rem 0;
  background: var(--panel); }
.mass > header { display: flex; flex-wrap: wrap; gap: 0.3rem 1rem; align-items: baseline; }
.facts { display: grid; grid-template-columns: minmax(15rem, 1fr) minmax(18rem, 1.6fr); gap: 0.6rem 2.4rem;
  margin: 0.8rem 0 1rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0.15rem 1.2rem; margin: 0; align-content: start; }
dt { color: var(--soft); } dd { margin: 0; }
.facts h4 { margin: 0 0 0.2rem; font-size: 0.95rem; font-weight: 650; }
.facts .bars + h4 { margin-top: 0.8rem; }
.facts p { margin: 0; max-width: 38rem; }
.row-name { color: var(--soft); font-size: 0.85rem; margin: 0.9rem 0 0.35rem; }
.provenance dd { font-family: ui-monospace, "DejaVu Sans Mono", Consolas, monospace; font-size: 0.85rem; }
.limits { padding-left: 1.2rem; } .limits li { margin: 0.25rem 0; max-width: 56rem; }
footer { margin-top: 2.5rem; padding-top: 0.8rem; border-top: 1px solid var(--line); color: var(--soft);
  font-size: 0.85rem; }
@media (max-width: 52rem) {
  body { padding: 1.4rem 1.1rem 2rem; }
  .facts { grid-template-columns: 1fr; }
  th, td { padding-right: 0.6rem; }
  .bars { min-width: 8rem; }
  .letters text { font-size: 26px; } .scale text { font-size: 23px; } .marks text { font-size: 30px; }
}
@media (max-width: 34rem) {
  .pictures, .pictures.pair { grid-template-columns: 1fr; }
}
@media print {
  @page { size: A4; margin: 14mm 13mm; }
  :root {
    color-scheme: light;
    --paper: #fff; --panel: #fff; --ink: #000; --soft: #4a4f57; --line: #cfd4da; --accent: #0b6e86;
    --warn-paper: #fff6e0; --warn-ink: #6b4700; --warn-line: #f0c36a;
    --alert-paper: #fdecee; --alert-ink: #8a1020; --alert-line: #eba3ac;
    --read-paper: #e9f3ee; --read-ink: #12553a; --read-line: #9fcdb7;
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  html { font-size: 12.5px; }
  body { padding: 0; max-width: none; }
  .scroll { overflow: visible; }
  .mass, .note, figure, tr, .pictures { break-inside: avoid; }
  h2, h3, .row-name { break-after: avoid; }
  .mass { margin: 0.8rem 0; padding: 0.8rem 0.9rem; }
  .facts { grid-template-columns: 1fr 1.6fr; }
  h2 { margin-top: 1.5rem; }
  a { text-decoration: none; }
}
"""
).strip()
