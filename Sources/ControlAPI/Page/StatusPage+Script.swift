extension StatusPage {
    /// Text goes into the page as text nodes only; nothing from the daemon is read as markup.
    static let script = #"""
        "use strict";
        const $ = id => document.getElementById(id);
        const make = (tag, type, ...children) => {
          const element = document.createElement(tag);
          if (type) element.className = type;
          element.append(...children.filter(child => child !== null && child !== undefined && child !== ""));
          return element;
        };
        const words = text => String(text).replaceAll("_", " ");
        const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
        const group = text => {
          const [whole, fraction] = String(text).split(".");
          const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, "\u2009");
          return fraction ? grouped + "." + fraction : grouped;
        };
        const symbols = { GBP: "£", EUR: "€", USD: "$", JPY: "¥" };
        const money = m => {
          const minus = m.amount.startsWith("-") ? "−" : "";
          const digits = group(m.amount.replace("-", ""));
          return symbols[m.currency] ? minus + symbols[m.currency] + digits : minus + digits + " " + m.currency;
        };
        const points = list => (list || []).map(p =>
          group(p.points) + (p.currency === "points" ? "" : " " + p.currency)).join(" + ") || "0";
        const clock = stamp => stamp ? stamp.slice(11, 16) : "";
        const dayAndClock = (stamp, now) =>
          stamp.slice(0, 10) === (now || "").slice(0, 10) ? clock(stamp) : stamp.slice(0, 10) + " " + clock(stamp);
        const span = seconds => {
          if (seconds < 60) return Math.max(0, Math.floor(seconds)) + " s";
          if (seconds < 3600) return Math.floor(seconds / 60) + " min";
          if (seconds < 172800) return Math.floor(seconds / 3600) + " h " + Math.floor(seconds % 3600 / 60) + " min";
          return Math.floor(seconds / 86400) + " days";
        };
        const age = (stamp, now) => stamp && now ? span((Date.parse(now) - Date.parse(stamp)) / 1000) : "";
        const ago = (stamp, now) => stamp ? age(stamp, now) + " ago" : "never";

        const tile = (name, value, aside, below, share) => {
          const number = make("strong", "", value, aside ? make("em", "", aside) : null);
          const box = make("div", "tile", make("span", "", name), number, below ? make("small", "", below) : null);
          if (share !== undefined) {
            const bar = make("progress");
            bar.max = 100; bar.value = share; box.append(bar);
          }
          return box;
        };
        const card = (name, chip, tone, facts, extra) => {
          const list = make("dl");
          for (const [label, value] of facts) if (value !== undefined && value !== null && value !== "")
            list.append(make("dt", "", label), make("dd", "", value));
          const head = make("header", "", make("h3", "", name), make("span", "chip " + tone, chip));
          return make("article", extra ? "card wide" : "card", head, extra || null, list.children.length ? list : null);
        };

        const readerTones = { ready: "ok", starting: "info", gone: "bad", trouble: "warn", unsupported: "" };
        const readersCard = s => {
          const ready = s.readers.filter(r => r.state === "ready").length;
          const list = make("div");
          for (const r of s.readers) list.append(make("div", "reader",
            make("span", "", r.name), make("span", "chip " + (readerTones[r.state] || ""), r.state),
            make("small", "", [r.reads_today + " reads today",
              r.refused_today ? r.refused_today + " refused" : "",
              r.last_read_at ? "last " + ago(r.last_read_at, s.now) : ""].filter(x => x).join(" · ")),
            r.problem ? make("small", "problem", r.problem + (r.remedy ? " — " + r.remedy : "")) : null));
          if (!s.readers.length) list.append(make("p", "empty", "No reader is plugged in."));
          return card("Readers", ready + " of " + s.readers.length + " ready",
            ready && ready === s.readers.length ? "ok" : "warn", [], list);
        };
        const tillCard = s => card("Till", s.till.state, { connected: "ok", waiting: "info", refusing: "bad" }[s.till.state] || "", [
          ["Last event", ago(s.till.last_event_at, s.now)],
          ["Connections", String(s.till.connections)],
          ...s.till.results.map(r => [capital(words(r.reason)), group(r.count)]),
          ...(s.till.sources || []).filter(x => x.mismatches || s.till.sources.length > 1).map(x => ["Till " + x.source,
            group(x.sales) + " sales" + (x.mismatches ? ", totals differ in " + (100 * x.mismatches / x.sales).toFixed(1) + " %" : "")])]);
        const membersCard = s => card("Members", group(s.members.members) + " known", s.members.members ? "ok" : "warn", [
          ["Cards", group(s.members.cards)],
          ["Last " + (s.members.source || "update"), ago(s.members.as_of, s.now)]]);
        const queueCard = s => {
          const q = s.queue, left = q.waiting + q.held;
          return card("Queue", q.dead ? q.dead + (q.dead === 1 ? " needs" : " need") + " a person" : left ? left + " on their way" : "empty",
            q.dead ? "bad" : left ? "info" : "ok", [
              ["Delivered today", group(q.delivered_today)],
              ["Oldest", q.oldest_at ? age(q.oldest_at, s.now) : ""],
              ["Held behind another", q.held ? String(q.held) : ""]]);
        };
        const upstreamTones = { online: "ok", offline: "warn", unauthorized: "bad", unknown: "info" };
        const upstreamCard = s => card("Back end", s.upstream.state, upstreamTones[s.upstream.state] || "", [
          ["Since", s.upstream.since ? dayAndClock(s.upstream.since, s.now) : ""],
          ["Last answer", s.upstream.last_success_at ? ago(s.upstream.last_success_at, s.now) : ""],
          ["Where", s.upstream.target],
          ["Trouble", s.upstream.state === "online" ? "" : s.upstream.last_error]]);

        const shown = {};
        const changed = (key, data) => {
          const text = JSON.stringify(data);
          if (shown[key] === text) return false;
          shown[key] = text;
          return true;
        };
        const hero = (state, word, reason, since) => {
          $("hero").dataset.state = state;
          for (const [id, text] of [["word", word], ["reason", reason], ["since", since]])
            if ($(id).textContent !== text) $(id).textContent = text;
          document.title = word + " · loyaltyd";
        };

        const showStatus = s => {
          hero(s.state, { ok: "OK", attention: "Attention", stopped: "Stopped" }[s.state] || s.state, s.reason,
            (s.since ? "Since " + dayAndClock(s.since, s.now) + (s.now ? " · " + age(s.since, s.now) : "") : "")
            + (s.training ? " · Training: nothing counts" : ""));
          $("terminal").textContent = s.terminal || "";
          $("attention").hidden = !s.attention.length;
          if (changed("attention", s.attention)) $("attention").replaceChildren(...s.attention.map(a =>
            make("div", "item", make("b", "", a.message), a.remedy ? make("small", "", a.remedy) : null)));
          const t = s.today, share = t.sales ? Math.round(t.with_member * 100 / t.sales) : 0;
          $("day").textContent = t.business_day || "";
          const refused = t.refused.reduce((sum, r) => sum + r.count, 0);
          if (changed("today", t)) $("today").replaceChildren(
            tile("Sales", group(t.sales), "", t.returns ? t.returns + " returns" : ""),
            tile("With member", group(t.with_member), t.sales ? share + " %" : "", "", share),
            tile("Points given", points(t.points_given), "",
              t.points_taken.length ? points(t.points_taken) + " taken back" : "none taken back"),
            tile("Scans refused", group(refused), t.scans ? "of " + group(t.scans) : "",
              t.refused.filter(r => r.count).map(r => r.count + " " + words(r.reason)).join(", ")));
          if (changed("parts", s)) $("parts").replaceChildren(
            readersCard(s), tillCard(s), upstreamCard(s), queueCard(s), membersCard(s));
          $("footer").textContent = [s.version ? "loyaltyd " + s.version : "",
            s.program ? "program " + s.program.name + (s.program.version ? " " + s.program.version : "")
              + " (" + s.program.hash.slice(0, 8) + ")" : "",
            s.next_program ? "from " + s.next_program.effective + " "
              + (s.next_program.version || s.next_program.name) : "",
            s.answer_time ? "card answered in " + (s.answer_time.p99_us / 1000).toFixed(2) + " ms (99 of 100)" : "",
            s.uptime_seconds !== undefined ? "up " + span(s.uptime_seconds) : ""].filter(x => x).join(" · ");
        };

        const badges = { ok: ["ok", "ok"], held: ["warn", "held"], duplicate: ["info", "duplicate"],
          reversed: ["bad", "reversed"], no_member: ["", "no member"] };
        const memberText = m => m ? [m.tier ? capital(m.tier) : "", m.card ? "card " + m.card : "",
          m.id ? m.id : m.unverified ? "not known here" : ""].filter(x => x).join(" · ") : "no card";
        const badge = s => {
          const [tone, text] = badges[s.badge] || ["", words(s.badge)];
          return make("span", "chip " + tone, text);
        };
        const gain = list => make("span", "", ...(list || []).map(p => make("span",
          p.points.startsWith("-") ? "minus" : "plus",
          (p.points.startsWith("-") ? "−" : "+") + group(p.points.replace("-", ""))
          + (p.currency === "points" ? "" : " " + p.currency))));
        const saleRow = s => {
          const row = make("button", "sale",
            make("span", "when", make("b", "", clock(s.time)), make("span", "", " Register " + s.register + " · " + s.number
              + (s.kind === "sale" ? "" : " · " + words(s.kind)))),
            make("span", "total", money(s.total)),
            make("span", "who", memberText(s.member)),
            make("span", "gain", s.points.some(p => !/^-?0(\.0+)?$/.test(p.points)) ? gain(s.points) : null, badge(s)));
          row.addEventListener("click", () => showSale(s.ref));
          return row;
        };
        const showSales = list => {
          if (!changed("sales", list)) return;
          $("sales").replaceChildren(...(list.length ? list.map(saleRow) : [make("p", "empty", "No sales yet.")]));
        };
        """# + detailScript
}
