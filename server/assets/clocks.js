// @ts-check
// Clocks: <due-clock at="ms"> counts down and says when it is late; <since-clock at="ms"> counts up.

const russian = document.documentElement.lang === "ru";
/** Seconds below which a due time is soon. */
const SOON = 60;

/** @param {number} seconds @returns {string} */
function span(seconds) {
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours < 48) return russian ? `${hours} ч ${two(minutes)} мин` : `${hours} h ${two(minutes)} min`;
  const days = Math.floor(hours / 24);
  return russian ? `${days} дн.` : `${days} d`;
}

/** Every clock that is on the page. @type {Set<Clock>} */
const clocks = new Set();
/** The server's clock may differ from this machine's. */
let skew = 0;
document.addEventListener("gradus:time", (event) => { skew = Number(/** @type {CustomEvent} */ (event).detail) - Date.now(); });

class Clock extends HTMLElement {
  connectedCallback() { clocks.add(this); this.show(Date.now() + skew); }
  disconnectedCallback() { clocks.delete(this); }
  /** @param {number} now */
  show(now) { void now; }
  get at() { return Number(this.getAttribute("at")); }
}

customElements.define("due-clock", class extends Clock {
  /** @param {number} now */
  show(now) {
    const left = Math.round((this.at - now) / 1000);
    const late = left < 0;
    const word = late ? (russian ? "просрочен на " : "late by ") : (russian ? "ещё " : "");
    this.textContent = word + span(Math.abs(left)) + (late || russian ? "" : " left");
    this.classList.toggle("late", late);
    this.classList.toggle("soon", !late && left < SOON);
  }
});

customElements.define("since-clock", class extends Clock {
  /** @param {number} now */
  show(now) { this.textContent = span(Math.max(0, Math.round((now - this.at) / 1000))); }
});

setInterval(() => {
  const now = Date.now() + skew;
  for (const clock of clocks) clock.show(now);
}, 1000);
