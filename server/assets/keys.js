// @ts-check
// Keys: every control with data-key is pressed by its key; «?» lists them; j, k or the arrows walk through a table.

const sheet = /** @type {HTMLDialogElement} */ (document.getElementById("keys"));
const russian = document.documentElement.lang === "ru";
/** The same keys on a Russian layout. @type {Record<string, string>} */
const LAYOUT = Object.fromEntries([..."йцукенгшщзфывапролдячсмить"].map((letter, at) => [letter, "qwertyuiopasdfghjklzxcvbnm"[at] ?? ""]));

/** @param {Element} control @returns {string} */
const name = (control) => (control.getAttribute("aria-label") ?? control.textContent ?? "").replace(/\s+/g, " ").trim();

/** @returns {HTMLElement[]} controls that can be pressed now, one a key */
function controls() {
  const found = new Map();
  for (const control of document.querySelectorAll("[data-key]")) {
    const key = control.getAttribute("data-key");
    if (!found.has(key) && control.checkVisibility()) found.set(key, control);
  }
  return [...found.values()];
}

function list() {
  const entries = controls().map((control) => [control.getAttribute("data-key") ?? "", name(control)]);
  if (document.querySelector("[data-rows] a.main")) entries.push(["j k", russian ? "по строкам таблицы" : "through the rows"]);
  entries.push(["?", russian ? "эта подсказка" : "this list"]);
  sheet.querySelector("dl")?.replaceChildren(...entries.flatMap(([key, words]) => {
    const [term, text, cap] = [document.createElement("dt"), document.createElement("dd"), document.createElement("kbd")];
    cap.textContent = key ?? "";
    term.append(cap);
    text.textContent = words ?? "";
    return [term, text];
  }));
  sheet.showModal();
}

/** @param {number} step */
function walk(step) {
  const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-rows] a.main")]).filter((link) => link.checkVisibility());
  if (!links.length) return false;
  const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  links[at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + step, 0), links.length - 1)]?.focus();
  return true;
}

document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || sheet.open) return;
  if (target.isContentEditable || target.matches?.("input, textarea, select")) {
    if (event.key === "Escape") target.blur();
    return;
  }
  const pressed = LAYOUT[event.key.toLowerCase()] ?? event.key.toLowerCase();
  if (event.key === "?" || (event.key === "," && event.shiftKey)) { event.preventDefault(); list(); return; }
  const control = controls().find((one) => one.getAttribute("data-key") === pressed);
  if (control) {
    event.preventDefault();
    if (control.matches("input")) control.focus(); else control.click();
    return;
  }
  const step = pressed === "j" || event.key === "ArrowDown" ? 1 : pressed === "k" || event.key === "ArrowUp" ? -1 : 0;
  if (step && document.activeElement?.closest("[data-rows]") || step && event.key.length === 1) {
    if (walk(step)) event.preventDefault();
  }
});

document.querySelector("[data-keys-open]")?.addEventListener("click", list);
// A menu closes when something else is pressed.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.me[open]")) if (!menu.contains(/** @type {Node} */ (event.target))) menu.removeAttribute("open");
});
