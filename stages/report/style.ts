/** The page's only style sheet. No web font, no image: the file is read from mail and from archives. */
export const STYLE = `
:root{color-scheme:light dark;
--page:#fdfdfc;--panel:#f4f5f6;--ink:#1c2024;--soft:#5c656e;--rule:#dfe2e5;--hair:#eceef0;--link:#1d5fc0;--shade:#0b16241f;
--c0:#59636e;--c1:#b8690f;--c2:#2160c4;--c3:#0b8069;--c4:#8244b8;--c5:#bd3158;--c6:#6a6d12;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
@media (prefers-color-scheme:dark){:root{
--page:#15181b;--panel:#1d2125;--ink:#e5e8eb;--soft:#9ba5af;--rule:#343b42;--hair:#272d33;--link:#86b6ff;--shade:#000000a0;
--c0:#a7b1bb;--c1:#eeaa55;--c2:#7fb0ff;--c3:#4fcbae;--c4:#c79bf3;--c5:#fb8aa8;--c6:#c9cc5a}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 var(--sans);overflow-wrap:break-word}
main{max-width:62rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1.02rem;font-weight:600;color:var(--soft);margin:0 0 .7rem}
h2{font-size:1.22rem;font-weight:650;line-height:1.3;margin:3.4rem 0 .4rem;padding-top:1.1rem;border-top:1px solid var(--rule)}
h3{font-size:.95rem;font-weight:600;margin:1.8rem 0 .5rem}
p{margin:.35rem 0 .9rem;max-width:44rem}
.lead{font-size:clamp(1.45rem,1.05rem + 1.9vw,2.15rem);line-height:1.25;font-weight:650;letter-spacing:-.012em;max-width:54rem;margin:0 0 1.6rem;text-wrap:pretty}
.soft,figcaption span{color:var(--soft)}
.note{font-size:.875rem;color:var(--soft);margin-top:.6rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:1px;background:var(--rule);border:1px solid var(--rule);border-radius:8px;overflow:hidden;margin:0;padding:0;list-style:none}
.tiles li{background:var(--page);padding:.85rem 1rem .8rem}
.tiles b{display:block;font-size:1.5rem;line-height:1.2;font-weight:650;font-variant-numeric:tabular-nums;letter-spacing:-.01em;white-space:nowrap}
.tiles span{display:block;font-size:.8125rem;line-height:1.4;color:var(--soft)}
.scroll{overflow-x:auto;margin:.6rem 0 0;
background:linear-gradient(90deg,var(--page) 35%,transparent) 0/2.5rem 100%,linear-gradient(270deg,var(--page) 35%,transparent) 100%/2.5rem 100%,linear-gradient(90deg,var(--shade),transparent) 0/.8rem 100%,linear-gradient(270deg,var(--shade),transparent) 100%/.8rem 100%;
background-repeat:no-repeat;background-attachment:local,local,scroll,scroll}
.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:.9rem;line-height:1.4;font-variant-numeric:tabular-nums}
th,td{padding:.5rem .9rem .5rem 0;text-align:left;vertical-align:baseline;border-bottom:1px solid var(--hair)}
th:last-child,td:last-child{padding-right:0}
thead th{font-weight:500;font-size:.8125rem;color:var(--soft);vertical-align:bottom;border-bottom:1px solid var(--rule)}
thead small{display:block;font-size:.75rem;font-weight:400}
tbody th{font-weight:500}
.class{min-width:8.5rem}
.num{text-align:right;white-space:nowrap}
.range{color:var(--soft);font-size:.8125rem;display:block;white-space:nowrap}
.name{white-space:nowrap}
.featured>*{background:var(--panel);font-weight:650}
.featured .range{font-weight:400}
.pinned tbody th{position:sticky;left:0;background:var(--page)}
.pinned .featured th{background:var(--panel)}
.swatch{display:inline-block;width:.62rem;height:.62rem;border-radius:50%;margin-right:.55rem;background:var(--own)}
.text{min-width:14rem}
.id{font:.8125rem var(--mono);color:var(--soft)}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1.8rem 2.2rem;margin-top:1.1rem}
.plots.small{grid-template-columns:repeat(auto-fit,minmax(min(100%,10rem),1fr));gap:1.5rem 1.6rem}
figure{margin:0;min-width:0;break-inside:avoid}
figcaption{font-size:.9rem;line-height:1.4;margin-bottom:.45rem}
figcaption b{font-weight:600;display:block}
figcaption span{font-size:.8125rem}
figure svg{display:block;width:100%;height:auto;max-width:25rem}
.plots.small svg{max-width:13rem}
svg text{font:11px var(--sans);fill:var(--ink);font-variant-numeric:tabular-nums}
svg .tick,svg .axis-label{fill:var(--soft);font-size:10.5px}
.grid{stroke:var(--hair);fill:none}
.axis{stroke:var(--rule);fill:none}
.diagonal{stroke:var(--soft);stroke-dasharray:3 3;fill:none}
.line{fill:none;stroke:var(--own);stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
.bar{fill:var(--own);opacity:.82}
.gap{stroke:var(--own);stroke-width:1.4;fill:none;opacity:.75}
.dot{fill:var(--own);fill-opacity:.55;stroke:var(--own)}
.dot.solid{fill-opacity:1}
.dot.apart{stroke:var(--page);stroke-width:1.2}
.interval{stroke:var(--own);stroke-width:1.6;fill:none}
.leader{stroke:var(--rule);fill:none}
.c0{--own:var(--c0)}.c1{--own:var(--c1)}.c2{--own:var(--c2)}.c3{--own:var(--c3)}.c4{--own:var(--c4)}.c5{--own:var(--c5)}.c6{--own:var(--c6)}
.line.c0{stroke-dasharray:2 4}.line.c1{stroke-dasharray:7 3}.line.c3{stroke-dasharray:11 3 2 3}.line.c4{stroke-dasharray:3 3}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.2rem;list-style:none;padding:0;margin:.9rem 0 0;font-size:.875rem}
.legend svg{margin-right:.45rem;vertical-align:middle}
.share{display:flex;height:1.6rem;border-radius:5px;overflow:hidden;margin:1rem 0 .6rem;gap:2px}
.share i{display:block;background:var(--own);min-width:2px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.meter{display:block;width:clamp(3.5rem,9vw,7rem);height:.5rem;border-radius:3px;background:var(--hair);overflow:hidden}
.meter i{display:block;height:100%;background:var(--own);print-color-adjust:exact;-webkit-print-color-adjust:exact}
details{margin-top:1rem}
summary{cursor:pointer;font-size:.9rem;color:var(--link)}
pre{font:.8125rem/1.5 var(--mono);background:var(--panel);border-radius:8px;padding:.9rem 1rem;margin:.6rem 0 0;overflow-x:auto;tab-size:2}
code{font:.875em var(--mono)}
dl{display:grid;grid-template-columns:minmax(9rem,max-content) 1fr;gap:.3rem 1.4rem;font-size:.875rem;margin:1rem 0 0}
dt{color:var(--soft)}
dd{margin:0;min-width:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
footer{margin-top:3.5rem;padding-top:1rem;border-top:1px solid var(--rule);font-size:.8125rem;color:var(--soft)}
@media (min-width:34rem) and (max-width:56rem){.plots.small{grid-template-columns:repeat(2,minmax(0,1fr))}}
@media (max-width:34rem){th,td{padding-right:.65rem}.class{min-width:6.6rem}.text{min-width:11.5rem}main{padding:1.5rem 1rem 3rem}h2{margin-top:2.6rem}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}.tiles{grid-template-columns:1fr 1fr}}
@media print{:root{color-scheme:light;--page:#fff;--panel:#f4f5f6;--ink:#000;--soft:#444;--rule:#bbb;--hair:#ddd;
--c0:#59636e;--c1:#b8690f;--c2:#2160c4;--c3:#0b8069;--c4:#8244b8;--c5:#bd3158;--c6:#6a6d12}
body{font-size:10.5pt}main{max-width:none;padding:0}h2{margin-top:1.8rem}h2,h3,h2+p{break-after:avoid}.tiles,tr{break-inside:avoid}
.scroll{overflow:visible;background:none}table{font-size:8.5pt}pre{white-space:pre-wrap}details::details-content{content-visibility:visible;block-size:auto}
.plots{grid-template-columns:1fr 1fr}.plots.small{grid-template-columns:repeat(4,1fr)}}
`;
