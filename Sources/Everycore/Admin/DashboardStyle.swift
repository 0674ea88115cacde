// The dashboard's style. Colours are variables, one set for light and one for dark; each text has a contrast of at least 4.5 to what is behind it.
// Process: admin · Thread: loop

let dashboardStyle: StaticString = """
    :root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--ink:#1a1f26;--dim:#5a6472;--line:#dfe3e8;--accent:#0a5fc2;--ok:#1a7440;--warn:#8a5a00;--bad:#b9202c;
    --c1:#2f7ed8;--c2:#c98a1b;--c3:#d1394a;--c4:#7a5bd0;--c5:#148f77;--soft:#eef1f4}
    @media(prefers-color-scheme:dark){:root{--bg:#0e1116;--card:#161b22;--ink:#e4e8ee;--dim:#98a3b1;--line:#28303a;--accent:#74b3ff;--ok:#52c78b;--warn:#e0ae4e;
    --bad:#ff8079;--c1:#4f9bf0;--c2:#e0a73f;--c3:#f2626c;--c4:#a48bf2;--c5:#3dbfa3;--soft:#1d242d}}
    *{box-sizing:border-box}
    html{font-size:clamp(14px,.42rem + .52vw,22px)}
    body{margin:0;padding:0 clamp(.75rem,2vw,2rem) 2rem;background:var(--bg);color:var(--ink);font:1rem/1.45 system-ui,-apple-system,"Segoe UI",sans-serif;
    font-variant-numeric:tabular-nums}
    header{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:baseline;padding:1.1rem 0 .9rem}
    h1{font-size:1.3rem;font-weight:650;letter-spacing:-.01em;margin:0}
    h1 small{font-weight:400;font-size:.85rem;color:var(--dim);margin-left:.35rem}
    header p{margin:0;color:var(--dim)}
    header p b{color:var(--ink);font-weight:600}
    #link{margin-left:auto}
    #link::before{content:"";display:inline-block;width:.55em;height:.55em;border-radius:50%;background:var(--dim);margin-right:.45em}
    #link.on::before{background:var(--ok)}
    #link.off{color:var(--bad)}
    #link.off::before{background:var(--bad)}
    h2{font-size:.95rem;font-weight:650;margin:0 0 .5rem}
    section{margin-top:1.1rem}
    .card,.tiles>div{background:var(--card);border:1px solid var(--line);border-radius:.6rem}
    .card{padding:.85rem 1rem}
    .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.4rem,1fr));gap:.6rem;margin:0}
    .tiles>div{padding:.6rem .85rem}
    dt{color:var(--dim);font-size:.82rem}
    dd{margin:0;font-size:1.5rem;font-weight:600;letter-spacing:-.02em;line-height:1.25;white-space:nowrap}
    dd.bad{color:var(--bad)}
    .tiles small{color:var(--dim);font-size:.78rem;display:block;min-height:1.2em;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
    .bar{display:flex;flex-wrap:wrap;gap:.4rem 1rem;align-items:center;justify-content:space-between;margin-bottom:.5rem}
    .bar h2{margin:0}
    fieldset{border:0;margin:0;padding:0;display:flex;gap:.15rem;background:var(--soft);border-radius:.5rem}
    fieldset label{cursor:pointer}
    fieldset span{display:block;padding:.22rem .7rem;border-radius:.45rem;color:var(--dim);border:1px solid transparent}
    fieldset input{position:absolute;opacity:0}
    fieldset input:checked+span{background:var(--card);color:var(--ink);border-color:var(--line)}
    fieldset input:focus-visible+span,a:focus-visible,figure:focus-visible,.scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
    .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:.6rem}
    figure{margin:0;min-width:0}
    figcaption{display:flex;flex-wrap:wrap;gap:0 .9rem;align-items:baseline;font-size:.85rem}
    figcaption b{font-weight:650;font-size:.95rem}
    figcaption i{font-style:normal;color:var(--dim);white-space:nowrap}
    figcaption i::before{content:"";display:inline-block;width:.7em;height:.22em;border-radius:1px;margin-right:.35em;vertical-align:.25em;background:currentColor}
    i.s1::before{background:var(--c1)}i.s2::before{background:var(--c2)}i.s3::before{background:var(--c3)}i.s4::before{background:var(--c4)}i.s5::before{background:var(--c5)}
    output{flex:1 1 13rem;min-width:0;min-height:1.5em;text-align:right;font-size:.82rem;color:var(--dim);white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
    svg{display:block;width:100%;height:9.5rem;overflow:visible}
    svg text{fill:var(--dim);font-size:.72rem}
    .grid{stroke:var(--line)}
    .l{fill:none;stroke-width:1.6;stroke-linejoin:round}
    .s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}.s4{stroke:var(--c4)}.s5{stroke:var(--c5)}
    i.s1,i.s2,i.s3,i.s4,i.s5{stroke:none}
    .a{stroke:none}.a.s1{fill:var(--c1);fill-opacity:.75}.a.s2{fill:var(--c2)}.a.s3{fill:var(--c3)}
    .mark{stroke:var(--dim);stroke-dasharray:2 3}.mark.bad{stroke:var(--bad)}
    .flag{fill:var(--dim)}.flag.bad{fill:var(--bad)}
    .cursor{stroke:var(--ink);stroke-opacity:.45}
    .scroll{overflow-x:auto;margin:0 -1rem;padding:0 1rem}
    table{border-collapse:collapse;width:100%;font-size:.92rem}
    caption{text-align:left;font-weight:650;font-size:.95rem;padding-bottom:.35rem}
    th,td{text-align:right;padding:.32rem .6rem;white-space:nowrap;border-top:1px solid var(--line)}
    th:first-child,td:first-child{padding-left:0}th:last-child,td:last-child{padding-right:0}
    thead th{color:var(--dim);font-weight:500;font-size:.8rem;border-top:0}
    tbody th{font-weight:600}
    #exits th,#marks th{font-weight:400;color:var(--dim)}
    p:empty{display:none}
    .t,tbody th{text-align:left}
    .w{white-space:normal;overflow-wrap:anywhere;min-width:9rem}
    td.none{color:var(--dim);text-align:left}
    .state::before{content:"";display:inline-block;width:.5em;height:.5em;border-radius:50%;margin-right:.45em;background:var(--dim)}
    .ready::before{background:var(--ok)}.starting::before,.draining::before{background:var(--c1)}
    .unresponsive::before,.backoff::before,.dead::before{background:var(--bad)}
    .unresponsive,.backoff,.dead,.bad{color:var(--bad)}.warn{color:var(--warn)}
    .pair,.side{display:grid;grid-template-columns:minmax(0,1fr);gap:.6rem;align-content:start}
    footer{margin-top:1.2rem;color:var(--dim);font-size:.85rem}
    a{color:var(--accent)}
    .js{display:none}
    html.live .js{display:block}html.live .js.bar{display:flex}html.live .js.charts{display:grid}
    @media(min-width:1000px){.charts{grid-template-columns:1fr 1fr}.pair{grid-template-columns:minmax(0,3fr) minmax(0,2fr)}}
    @media(min-width:2200px){.charts{grid-template-columns:repeat(4,1fr)}}
    @media(prefers-reduced-motion:no-preference){#link::before{transition:background .3s}}
    @media(forced-colors:active){.a{fill-opacity:.5}}

    """
