// What the pages do beyond plain HTML: theme, search key, copy buttons, place in the contents.
{
  const html = document.documentElement;
  const all = (selector) => [...document.querySelectorAll(selector)];

  for (const button of all(".theme-button")) {
    button.addEventListener("click", () => {
      html.dataset.theme = html.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem("xent-theme", html.dataset.theme); } catch {}
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (query) => {
    try { if (localStorage.getItem("xent-theme")) return; } catch {}
    html.dataset.theme = query.matches ? "dark" : "light";
  });

  const dialog = document.getElementById("search-dialog");
  const search = (event) => {
    event.preventDefault();
    document.getElementById("contents").hidePopover?.();
    dialog.showModal();
  };
  for (const link of all(".js-search")) link.addEventListener("click", search);
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "k" && !dialog.open) search(event);
  });
  document.getElementById("contents").addEventListener("click", (event) => {
    if (event.target.closest("a")) event.currentTarget.hidePopover?.();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  for (const code of all(".highlight")) {
    if (code.closest(".cell_output")) continue;
    const button = Object.assign(document.createElement("button"), {
      type: "button", className: "copy", textContent: "Copy",
    });
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.querySelector("pre").innerText.trimEnd());
        button.textContent = "Copied";
      } catch { // only pages that are local or secure may copy
        button.textContent = "Not allowed";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    code.append(button);
  }

  // Boxes that scroll sideways can be scrolled by keyboard too.
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const box of all("main pre, .math-scroll, .table-box")) watch.observe(box);

  const links = new Map(all("#contents .sections a[href^='#']").map((a) => [a.hash.slice(1), a]));
  const sections = all("main h2").map((h) => h.closest("section")).filter((s) => s && links.has(s.id));
  if (sections.length) {
    const mark = () => {
      const here = sections.findLast((s) => s.getBoundingClientRect().top < innerHeight / 3);
      for (const a of links.values()) a.classList.toggle("reading", !!here && a === links.get(here.id));
    };
    new IntersectionObserver(mark, { rootMargin: "0px 0px -66% 0px" }).observe(sections[0]);
    for (const s of sections) new IntersectionObserver(mark, { rootMargin: "0px 0px -66% 0px" }).observe(s);
  }

  const open = () => {
    for (let box = document.querySelector(":target"); box; box = box.parentElement) {
      box.querySelector(":scope > details")?.setAttribute("open", "");
      if (box.matches("article")) break;
    }
  };
  addEventListener("hashchange", open);
  open();

  // Paper is white, and nothing on it unfolds.
  const undo = [];
  addEventListener("beforeprint", () => {
    const { theme } = html.dataset;
    html.dataset.theme = "light";
    undo.push(() => { html.dataset.theme = theme; });
    for (const box of all("details:not([open])")) {
      box.open = true;
      undo.push(() => { box.open = false; });
    }
  });
  addEventListener("afterprint", () => { while (undo.length) undo.pop()(); });
}
