extension StatusPage {
    static let style = """
        :root {
          --ground: #f3f4f7; --card: #ffffff; --edge: #e3e6ec; --ink: #151922; --soft: #5d6675; --faint: #8d96a5;
          --ok: #14804f; --ok-tint: #e2f5ea; --warn: #a05a00; --warn-tint: #fff1d9; --bad: #b3261e; --bad-tint: #fde7e4;
          --accent: #4654c9; --accent-tint: #eceefb; --shadow: 0 1px 2px rgb(20 25 40 / 5%), 0 4px 16px rgb(20 25 40 / 4%);
          --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #0d1015; --card: #161a21; --edge: #252b36; --ink: #edf0f5; --soft: #a2abba; --faint: #727c8c;
            --ok: #4cd08a; --ok-tint: #10281d; --warn: #f2b04a; --warn-tint: #2d210d; --bad: #ff8177; --bad-tint: #331613;
            --accent: #9aa5ff; --accent-tint: #1e2340; --shadow: none;
          }
        }
        * { box-sizing: border-box; margin: 0; }
        [hidden] { display: none !important; }
        html { -webkit-text-size-adjust: 100%; }
        body {
          background: var(--ground); color: var(--ink); padding: 0 16px 40px;
          font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
          font-variant-numeric: tabular-nums;
        }
        .bar, main, footer { max-width: 1080px; margin: 0 auto; }
        .bar { display: flex; align-items: center; gap: 10px; padding: 16px 2px 14px; }
        .brand { font-weight: 700; letter-spacing: -.01em; }
        .brand::before {
          content: ""; display: inline-block; width: 14px; height: 14px; border-radius: 4px; margin-right: 8px;
          background: var(--accent); vertical-align: -1px;
        }
        .spring { flex: 1; }
        .quiet, .empty { color: var(--soft); font-weight: 400; }
        .pulse { display: inline-flex; align-items: center; gap: 7px; color: var(--soft); font-size: 13px; }
        .pulse i { width: 8px; height: 8px; border-radius: 50%; background: var(--faint); }
        .pulse.live i { background: var(--ok); animation: beat 2s ease-out infinite; }
        .pulse.lost i { background: var(--bad); }
        @keyframes beat {
          0% { box-shadow: 0 0 0 0 color-mix(in srgb, var(--ok) 45%, transparent); }
          70%, 100% { box-shadow: 0 0 0 7px transparent; }
        }
        @media (prefers-reduced-motion: reduce) { .pulse.live i { animation: none; } }
        .hero { border-radius: 20px; padding: 26px 24px 24px; background: var(--card); box-shadow: var(--shadow); }
        .hero h1 { font-size: clamp(46px, 13vw, 76px); line-height: 1; font-weight: 750; letter-spacing: -.035em; }
        .hero p { font-size: 18px; margin-top: 12px; max-width: 46ch; text-wrap: balance; }
        .hero .since { font-size: 14px; margin-top: 6px; opacity: .75; }
        .hero[data-state=ok] { background: var(--ok-tint); } .hero[data-state=ok] h1 { color: var(--ok); }
        .hero[data-state=attention] { background: var(--warn-tint); } .hero[data-state=attention] h1 { color: var(--warn); }
        .hero[data-state=stopped] { background: var(--bad-tint); } .hero[data-state=stopped] h1 { color: var(--bad); }
        h2 { font-size: 14px; font-weight: 650; letter-spacing: .01em; margin: 28px 2px 10px; }
        .attention { margin-top: 12px; display: grid; gap: 8px; }
        .item {
          background: var(--card); border-radius: 14px; padding: 13px 16px; box-shadow: var(--shadow);
          border-left: 4px solid var(--warn);
        }
        .item b { font-weight: 600; } .item small { display: block; color: var(--soft); font-size: 14px; margin-top: 2px; }
        .tiles { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; }
        .tile, .card, .sales { background: var(--card); border-radius: 16px; box-shadow: var(--shadow); }
        .tile { padding: 14px 16px 15px; min-width: 0; }
        .tile span { color: var(--soft); font-size: 13px; }
        .tile strong {
          display: block; font-size: 29px; line-height: 1.15; font-weight: 680; letter-spacing: -.025em; margin-top: 3px;
          overflow-wrap: anywhere;
        }
        .tile strong em { font-style: normal; font-size: 16px; font-weight: 600; color: var(--soft); letter-spacing: 0; margin-left: 7px; }
        .tile small { color: var(--soft); font-size: 13px; display: block; margin-top: 3px; }
        .tile progress { width: 100%; height: 5px; margin-top: 9px; display: block; appearance: none; border: 0; }
        .tile progress::-webkit-progress-bar { background: var(--edge); border-radius: 3px; }
        .tile progress::-webkit-progress-value { background: var(--accent); border-radius: 3px; }
        .tile progress::-moz-progress-bar { background: var(--accent); border-radius: 3px; }
        .cards { display: grid; grid-template-columns: 1fr; gap: 10px; }
        .card { padding: 14px 16px; min-width: 0; }
        .card header { display: flex; align-items: baseline; gap: 8px; }
        .card h3 { font-size: 15px; font-weight: 650; flex: 1; }
        .chip {
          font-size: 12.5px; font-weight: 600; padding: 2px 9px; border-radius: 99px; white-space: nowrap;
          color: var(--soft); background: var(--ground);
        }
        .chip.ok { color: var(--ok); background: var(--ok-tint); } .chip.warn { color: var(--warn); background: var(--warn-tint); }
        .chip.bad { color: var(--bad); background: var(--bad-tint); } .chip.info { color: var(--accent); background: var(--accent-tint); }
        .card dl { display: grid; grid-template-columns: auto 1fr; gap: 3px 14px; margin-top: 9px; font-size: 14px; }
        .card dt { color: var(--soft); } .card dd { text-align: right; min-width: 0; overflow-wrap: anywhere; }
        .reader { margin-top: 10px; font-size: 14px; display: grid; grid-template-columns: 1fr auto; gap: 0 10px; }
        .reader small { grid-column: 1 / -1; color: var(--soft); font-size: 13px; } .reader .problem { color: var(--warn); }
        .sales { overflow: hidden; } .sales .empty { padding: 22px 16px; }
        .sale {
          all: unset; box-sizing: border-box; cursor: pointer; width: 100%; padding: 11px 16px; display: grid; gap: 1px 12px;
          grid-template-columns: 1fr auto; border-top: 1px solid var(--edge);
        }
        .sale:first-child { border-top: 0; }
        .sale:hover { background: color-mix(in srgb, var(--accent-tint) 45%, transparent); }
        .sale:focus-visible, .close:focus-visible { outline: 2px solid var(--accent); outline-offset: -3px; border-radius: 16px; }
        .sale .who, .sale .when { color: var(--soft); font-size: 13.5px; min-width: 0; overflow-wrap: anywhere; }
        .sale .total { font-weight: 600; text-align: right; } .sale .when b { color: var(--ink); font-weight: 600; font-size: 15px; }
        .sale .gain { text-align: right; font-size: 13.5px; display: flex; gap: 7px; justify-content: flex-end; align-items: center; }
        .plus { color: var(--ok); font-weight: 600; } .minus { color: var(--bad); font-weight: 600; }
        footer { margin-top: 26px; padding: 0 2px; font-size: 13px; overflow-wrap: anywhere; }
        dialog {
          border: 0; padding: 0; margin: auto auto 0; width: 100%; max-width: 100%; max-height: 92dvh; border-radius: 20px 20px 0 0;
          background: var(--card); color: var(--ink);
        }
        dialog::backdrop { background: rgb(10 12 18 / 45%); }
        .sheet { padding: 20px 18px 26px; position: relative; }
        .close {
          all: unset; position: absolute; top: 12px; right: 14px; font-size: 24px; line-height: 1; width: 34px; height: 34px;
          text-align: center; cursor: pointer; color: var(--soft);
        }
        .sheet h3 { font-size: 21px; letter-spacing: -.02em; padding-right: 40px; }
        .sheet h4 { font-size: 13.5px; font-weight: 650; margin: 20px 0 6px; }
        .facts { color: var(--soft); margin-top: 3px; } .chips { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 11px; }
        table { border-collapse: collapse; width: 100%; font-size: 14px; }
        td { padding: 6px 0; border-top: 1px solid var(--edge); vertical-align: top; overflow-wrap: anywhere; }
        tr:first-child td { border-top: 0; } td.num { text-align: right; padding-left: 12px; white-space: nowrap; }
        td small { color: var(--soft); display: block; font-size: 13px; }
        .step { border-left: 3px solid var(--edge); padding: 1px 0 1px 12px; margin-top: 10px; font-size: 14px; }
        .step.matched { border-color: var(--ok); } .step header { display: flex; gap: 10px; font-weight: 600; }
        .step header span:first-child { flex: 1; overflow-wrap: anywhere; } .step p { color: var(--soft); }
        p.mono { margin-top: 10px; } .mono { font-family: var(--mono); font-size: 12.5px; overflow-wrap: anywhere; }
        @media (min-width: 700px) {
          .tiles { grid-template-columns: repeat(4, 1fr); } .cards { grid-template-columns: 1fr 1fr; }
          .hero { padding: 34px 34px 32px; } .card.wide { grid-row: span 2; }
          .sale { grid-template-columns: 64px minmax(0, 1.1fr) minmax(0, 1.3fr) 110px minmax(150px, auto); align-items: center; }
          .sale .who { order: 3; } .sale .total { order: 4; } .sale .gain { order: 5; } .sale .when { display: contents; }
          .sale .when b { order: 1; } .sale .when span { order: 2; }
          dialog { margin: auto; max-width: 620px; max-height: 86dvh; border-radius: 20px; } .sheet { padding: 26px 28px 32px; }
        }
        @media (min-width: 1000px) { .cards { grid-template-columns: 1.15fr 1fr 1fr; } }
        """
}
