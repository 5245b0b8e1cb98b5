// @ts-check
// Alerts on every page: a toast, a tone, a notification of the browser; and the strip on the board.

const KEY = "gradus-sound";
const on = () => { try { return localStorage.getItem(KEY) === "on"; } catch { return false; } };

/** Two short tones; a repeat is lower. Browsers allow sound after the first click on the page. @param {boolean} repeat */
function sound(repeat) {
  try {
    const context = new AudioContext();
    [0, 0.22].forEach((delay, at) => {
      const [tone, level] = [context.createOscillator(), context.createGain()];
      const start = context.currentTime + delay;
      tone.frequency.value = (repeat ? 520 : 740) * (at ? 1.25 : 1);
      level.gain.setValueAtTime(0.0001, start);
      level.gain.exponentialRampToValueAtTime(0.2, start + 0.02);
      level.gain.exponentialRampToValueAtTime(0.0001, start + 0.2);
      tone.connect(level).connect(context.destination);
      tone.start(start);
      tone.stop(start + 0.22);
    });
    setTimeout(() => context.close(), 1000);
  } catch { /* no sound on this machine: the toast is seen */ }
}

customElements.define("alert-sound", class extends HTMLElement {
  connectedCallback() {
    this.button = /** @type {HTMLButtonElement} */ (this.querySelector("button"));
    this.button.addEventListener("click", () => {
      const next = !on();
      try { localStorage.setItem(KEY, next ? "on" : "off"); } catch { /* until the page is left */ }
      if (next) {
        sound(false);
        if ("Notification" in window && Notification.permission === "default") Notification.requestPermission();
      }
      this.show();
    });
    this.show();
  }
  show() {
    const text = this.getAttribute(on() ? "on" : "off") ?? "";
    this.button?.setAttribute("aria-pressed", String(on()));
    this.button?.setAttribute("aria-label", text);
    this.button?.setAttribute("title", text);
  }
});

const toasts = /** @type {HTMLElement | null} */ (document.querySelector(".toasts"));

/** @typedef {{ id: string, what: string, why: string, href: string, repeat: boolean }} Alert */

/** @param {Alert} alert */
function toast(alert) {
  // The board has its own strip for what waits.
  if (!toasts || document.getElementById("alerts")) return;
  for (const old of toasts.children) if (old.getAttribute("data-id") === alert.id) old.remove();
  const box = document.createElement("div");
  box.className = "toast";
  box.dataset.id = alert.id;
  const words = document.createElement("div");
  const [what, why] = [document.createElement("b"), document.createElement("small")];
  what.textContent = alert.repeat ? `${alert.what} (${toasts.dataset.repeat})` : alert.what;
  why.textContent = alert.why;
  words.append(what, why);
  const link = document.createElement("a");
  link.className = "button primary";
  link.href = alert.href;
  link.textContent = toasts.dataset.open ?? "";
  const close = document.createElement("button");
  close.type = "button";
  close.className = "tool";
  close.textContent = "×";
  close.setAttribute("aria-label", toasts.dataset.close ?? "");
  close.addEventListener("click", () => box.remove());
  box.append(words, link, close);
  toasts.prepend(box);
  while (toasts.children.length > 3) toasts.lastElementChild?.remove();
  // It stays in the strip of the board; the toast makes room after half a minute.
  setTimeout(() => box.remove(), 30_000);
}

document.addEventListener("gradus:alert", (event) => {
  const alert = /** @type {Alert} */ (/** @type {CustomEvent} */ (event).detail);
  toast(alert);
  if (on()) sound(alert.repeat);
  if ("Notification" in window && Notification.permission === "granted" && document.hidden) {
    const note = new Notification(alert.what, { body: alert.why, tag: alert.id });
    note.onclick = () => { focus(); location.href = alert.href; };
  }
  strip();
});

/** Reads the strip of the board anew. */
async function strip() {
  const box = document.getElementById("alerts");
  if (!box || box.contains(document.activeElement)) return;
  const answer = await fetch(box.dataset.src ?? "");
  if (answer.ok && !answer.redirected) box.innerHTML = await answer.text();
}
document.addEventListener("gradus:changed", () => { if (document.querySelector("#alerts .strip")) strip(); });
