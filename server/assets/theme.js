// @ts-check
// The theme: as in the system, light or dark. Loaded before the page is drawn, so that nothing flashes.

const KEY = "gradus-theme";
const THEMES = ["", "light", "dark"];

/** @returns {string} */
function stored() {
  try { return localStorage.getItem(KEY) ?? ""; } catch { return ""; }
}

/** @param {string} theme */
function apply(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

apply(stored());

customElements.define("theme-switch", class extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", () => {
      const next = THEMES[(THEMES.indexOf(stored()) + 1) % THEMES.length] ?? "";
      try { localStorage.setItem(KEY, next); } catch { /* this page only */ }
      apply(next);
    });
  }
});
