// @ts-check
// One stream of server-sent events a page, handed on as events of the document; and pages that refresh their parts.
//
// body[data-live="rows"]: the board, which gets changed rows. body[data-live="changes"]: a page whose [data-part]
// elements are replaced by their new version when the conversation in data-watch (or any, without it) changes.
// body[data-every="5"]: the same every five seconds while somebody looks.

const mode = document.body.dataset.live;
const watch = document.body.dataset.watch;
const state = document.querySelector("[data-link-state]");

/** @param {string} name @param {unknown} detail */
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`gradus:${name}`, { detail }));

/** @param {boolean} on */
function show(on) {
  if (!state) return;
  state.textContent = state.getAttribute(on ? "data-on" : "data-off");
  state.classList.toggle("on", on);
  state.classList.toggle("off", !on);
}

/** Replaces the parts of this page that differ from what the server shows now; what has the focus stays. */
async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) { location.reload(); return; }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const now = fresh.getElementById(part.id);
    if (!now || now.innerHTML === part.innerHTML || part.contains(document.activeElement)) continue;
    if (part.id === "part-lines") append(part, now);
    else part.innerHTML = now.innerHTML;
  }
  tell("refreshed", null);
}

/** Adds what is new at the end of a transcript, and follows it if its end was in sight. @param {Element} part @param {Element} now */
function append(part, now) {
  const end = part.getBoundingClientRect().bottom <= innerHeight + 80;
  const have = [...part.children];
  [...now.children].forEach((child, at) => {
    if (have[at]?.outerHTML === child.outerHTML) return;
    if (have[at]) have[at].replaceWith(child); else part.append(child);
  });
  if (end) part.lastElementChild?.scrollIntoView({ block: "end", behavior: "smooth" });
}

let waiting = 0;
/** Several changes within half a second are one refresh. */
function soon() {
  if (!waiting) waiting = setTimeout(() => { waiting = 0; refresh().catch(() => show(false)); }, 400);
}

// Alerts have to reach a signed-in person on whatever page they are.
const feed = new EventSource(`/api/v1/live${mode === "rows" ? "?rows=1" : ""}`);
let dropped = false;
feed.addEventListener("open", () => {
  show(true);
  // After a break nobody knows what was missed: the page is read anew.
  if (dropped && mode === "rows") location.reload();
  else if (dropped && mode) soon();
  dropped = false;
});
feed.addEventListener("error", () => { dropped = true; show(false); });
feed.addEventListener("time", (event) => tell("time", event.data));
feed.addEventListener("rows", (event) => tell("rows", event.data));
feed.addEventListener("alert", (event) => tell("alert", JSON.parse(event.data)));
feed.addEventListener("changed", (event) => {
  const ids = event.data.split(" ");
  tell("changed", ids);
  if (mode === "changes" && (!watch || ids.includes(watch))) soon();
});
const every = Number(document.body.dataset.every);
if (every) setInterval(() => { if (!document.hidden) soon(); }, every * 1000);
addEventListener("pagehide", () => feed.close());
