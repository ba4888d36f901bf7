extension StatusPage {
    static let detailScript = #"""

        const lineTable = lines => make("table", "", ...lines.map(l => make("tr", "",
          make("td", "", l.name || l.code || l.id, l.excluded ? make("small", "", "no points: " + l.excluded)
            : Number(l.quantity) !== 1 ? make("small", "", l.quantity + " ×") : null),
          make("td", "num", money(l.amount)),
          make("td", "num", l.points.length ? gain(l.points) : "–"))));
        const stepBox = step => make("div", step.matched ? "step matched" : "step",
          make("header", "", make("span", "", step.rule), step.points ? make("span", "", step.points) : null),
          make("p", "", step.reason),
          step.lines.length ? make("table", "", ...step.lines.map(l => make("tr", "",
            make("td", "", "line " + l.line, l.excluded ? make("small", "", l.excluded) : null),
            make("td", "num", l.basis), make("td", "num", l.excluded ? "–" : l.points)))) : null);
        const deliveries = { none: "nothing to deliver", waiting: "on its way", held: "held behind another",
          dead: "needs a person", delivered: "at the back end" };
        const tones = { waiting: "info", held: "warn", dead: "bad", delivered: "ok" };
        const transactionBox = t => make("section", "",
          make("h4", "", capital(t.kind) + " ", make("span", "chip " + (tones[t.delivery] || ""), deliveries[t.delivery] || t.delivery)),
          make("p", "facts", [...(t.points || []).map(a => group(a.total) + " " + a.currency),
            "program " + t.program.name + (t.program.version ? " " + t.program.version : ""),
            t.attempts ? t.attempts + (t.attempts === 1 ? " delivery tried" : " deliveries tried") : ""].filter(x => x).join(" · ")),
          t.answer ? make("p", "facts", "Back end: " + t.answer) : null,
          ...t.trace.map(stepBox),
          make("p", "facts mono", t.id));
        const showSale = async ref => {
          try {
            const d = await ask("/v1/sale?ref=" + encodeURIComponent(ref)), s = d.summary;
            $("sheet").replaceChildren(
              make("h3", "", money(s.total) + " · register " + s.register + " · " + s.number),
              make("p", "facts", [s.time.slice(0, 10) + " " + clock(s.time), "store " + s.store,
                s.receipt ? "receipt " + s.receipt : "", memberText(s.member)].filter(x => x).join(" · ")),
              make("p", "chips", badge(s), make("span", "chip " + (tones[s.delivery] || ""), deliveries[s.delivery] || s.delivery),
                ...s.flags.map(f => make("span", "chip warn", words(f)))),
              ...(d.lines.length ? [make("h4", "", "Lines"), lineTable(d.lines)] : []),
              ...d.transactions.map(transactionBox),
              ...(d.links.length ? [make("h4", "", "Linked"), ...d.links.map(l => make("p", "facts",
                words(l.relation) + " " + [l.register, l.number, l.uid].filter(x => x).join(" · ")))] : []),
              make("p", "facts mono", s.ref));
            if (!$("detail").open) $("detail").showModal();
          } catch (error) { beat("lost", "sale could not be read"); }
        };
        $("close").addEventListener("click", () => $("detail").close());
        $("detail").addEventListener("click", event => { if (event.target === $("detail")) $("detail").close(); });

        const ask = async path => {
          const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(5000) });
          const body = await answer.json();
          if (!answer.ok) throw new Error(body.error ? body.error.message : "HTTP " + answer.status);
          return body;
        };
        const beat = (type, text) => { $("pulse").className = "pulse " + type; $("fresh").textContent = text; };
        let answered = null;
        const stopped = error => {
          const lost = ["TypeError", "TimeoutError", "AbortError", "SyntaxError"].includes(error.name);
          hero("stopped", "Stopped", lost ? "The daemon does not answer on this machine." : "The daemon cannot say how it is: "
            + error.message + ".", answered ? "Last answer at " + answered.toTimeString().slice(0, 5) : "");
          $("attention").hidden = true;
          beat("lost", "no answer");
        };
        const refresh = async () => {
          try {
            const [status, sales] = await Promise.all([ask("/v1/status"), ask("/v1/sales?limit=30")]);
            answered = new Date();
            showStatus(status);
            showSales(sales);
            beat("live", "live");
          } catch (error) { stopped(error); }
          setTimeout(refresh, 2000);
        };
        refresh();
        if (location.hash.length > 1) showSale(decodeURIComponent(location.hash.slice(1)));
        """#
}
