// Sphinx's search, with summaries that leave formulas and code of the machine out.
DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = location.protocol !== "file:"; // pages cannot be fetched there
document.addEventListener("DOMContentLoaded", () => {
  const text = Search.htmlToText;
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    page.querySelectorAll(".katex, .page-tools, .prev-next, .xent-figure").forEach((e) => e.remove());
    return text(page.documentElement.outerHTML, anchor);
  };
});
