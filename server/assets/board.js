// @ts-check
// <live-board>: changed rows replace their old versions in place; the order by heat is mended when nobody is pointing
// at the table or has the focus in it, so nothing jumps under the pointer.

/** Most rows the board shows. */
const MOST = 100;

customElements.define("live-board", class extends HTMLElement {
  table = /** @type {HTMLTableElement} */ (this.querySelector("table"));
  body = /** @type {HTMLTableSectionElement} */ (this.table.tBodies[0]);
  empty = /** @type {HTMLElement} */ (this.querySelector(".empty"));
  state = document.querySelector("[data-link-state]");

  connectedCallback() {
    document.addEventListener("gradus:rows", (event) => this.take(/** @type {CustomEvent} */ (event).detail));
    this.addEventListener("pointerleave", () => this.settle());
    this.addEventListener("focusout", () => setTimeout(() => this.settle()));
  }

  /** Whether somebody points at the table or is in it by the keyboard. */
  get busy() { return this.table.matches(":hover") || this.table.contains(document.activeElement); }

  /** @param {string} html rows of the table */
  take(html) {
    const box = document.createElement("template");
    box.innerHTML = `<table><tbody>${html}</tbody></table>`;
    for (const row of box.content.querySelectorAll("tr")) this.put(row);
    this.settle();
  }

  /** @param {HTMLTableRowElement} row */
  put(row) {
    const old = /** @type {HTMLTableRowElement | null} */ (document.getElementById(row.id));
    const over = row.classList.contains("over");
    if (!old) {
      if (!over) { row.classList.add("fresh"); this.body.append(row); }
      return;
    }
    // The link that has the focus keeps it in the new row.
    const focused = old.contains(document.activeElement);
    if (Number(row.dataset.heat) > Number(old.dataset.heat)) row.classList.add("fresh");
    old.replaceWith(row);
    if (focused) /** @type {HTMLElement | null} */ (row.querySelector("a.main"))?.focus({ preventScroll: true });
  }

  /** Takes out what is over and sorts by heat, unless somebody is at the table. */
  settle() {
    const rows = [...this.body.rows];
    const heat = (/** @type {HTMLTableRowElement} */ row) => Number(row.dataset.heat);
    const begun = (/** @type {HTMLTableRowElement} */ row) => Number(row.dataset.begun);
    const kept = rows.filter((row) => !row.classList.contains("over"));
    const wanted = [...kept].sort((a, b) => heat(b) - heat(a) || begun(b) - begun(a)).slice(0, MOST);
    const same = wanted.length === rows.length && wanted.every((row, at) => row === rows[at]);
    if (!same && this.busy) { this.say("data-wait"); }
    else if (!same) { this.move(rows, wanted); this.say("data-on"); }
    this.table.hidden = this.body.rows.length === 0;
    this.empty.hidden = !this.table.hidden;
  }

  /** @param {HTMLTableRowElement[]} rows @param {HTMLTableRowElement[]} wanted */
  move(rows, wanted) {
    const before = new Map(rows.map((row) => [row, row.getBoundingClientRect().top]));
    this.body.replaceChildren(...wanted);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    for (const row of wanted) {
      const moved = (before.get(row) ?? row.getBoundingClientRect().top) - row.getBoundingClientRect().top;
      if (moved) row.animate([{ translate: `0 ${moved}px` }, { translate: "0 0" }], { duration: 260, easing: "ease-out" });
    }
  }

  /** @param {string} what */
  say(what) { if (this.state?.classList.contains("on")) this.state.textContent = this.state.getAttribute(what); }
});
