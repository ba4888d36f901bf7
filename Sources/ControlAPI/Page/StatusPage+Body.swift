extension StatusPage {
    /// What stands on the page before the first figures arrive. The script fills it in.
    static let body = """
        <header class="bar">
          <span class="brand">loyaltyd</span>
          <span id="terminal" class="quiet"></span>
          <span class="spring"></span>
          <span id="pulse" class="pulse"><i></i><span id="fresh">connecting</span></span>
        </header>
        <main>
          <section id="hero" class="hero" data-state="wait" aria-live="polite">
            <h1 id="word">…</h1>
            <p id="reason">Asking the daemon.</p>
            <p id="since" class="since"></p>
          </section>
          <section id="attention" class="attention" hidden></section>
          <section aria-label="Today">
            <h2>Today <span id="day" class="quiet"></span></h2>
            <div id="today" class="tiles"></div>
          </section>
          <section aria-label="Parts">
            <h2>Now</h2>
            <div id="parts" class="cards"></div>
          </section>
          <section aria-label="Recent sales">
            <h2>Recent sales</h2>
            <div id="sales" class="sales"><p class="empty">No sales yet.</p></div>
          </section>
        </main>
        <footer id="footer" class="quiet"></footer>
        <dialog id="detail" aria-label="Sale">
          <div class="sheet">
            <button id="close" class="close" aria-label="Close">×</button>
            <div id="sheet"></div>
          </div>
        </dialog>
        """
}
