// @ts-check
// What HTML cannot do: the live board, clocks, the player that follows, keys. No state of its own.

/** Clocks count down to their due time; a late one says so. */
function tick() {
  for (const clock of document.querySelectorAll("time[data-due]")) {
    const left = Math.round((Number(clock.getAttribute("data-due")) - Date.now()) / 1000);
    const late = left < 0;
    const seconds = Math.abs(left);
    const text = seconds < 3600 ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : `${Math.floor(seconds / 3600)} ч ${Math.floor((seconds % 3600) / 60)} мин`;
    clock.textContent = late ? `просрочено на ${text}` : `осталось ${text}`;
    clock.classList.toggle("late", late);
  }
}
tick();
setInterval(tick, 1000);

/** A short tone, so that an alert is heard; browsers allow it after the first click. */
function sound() {
  try {
    const context = new AudioContext();
    const tone = context.createOscillator();
    const level = context.createGain();
    tone.frequency.value = 880;
    level.gain.setValueAtTime(0.15, context.currentTime);
    level.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.6);
    tone.connect(level).connect(context.destination);
    tone.start();
    tone.stop(context.currentTime + 0.6);
  } catch { /* no sound here: the row shows it */ }
}

const live = document.body.dataset.live;
const reload = document.body.dataset.reload;
if (live || reload) {
  const events = new EventSource("/api/v1/live");
  const connection = document.getElementById("connection");
  const say = (/** @type {string} */ text) => { if (connection) connection.textContent = text; };
  let waiting = false;
  const refresh = async () => {
    if (reload) { location.reload(); return; }
    const rows = document.getElementById("rows");
    // Nothing jumps under the pointer: while it rests on the table, the update waits.
    if (rows && rows.matches(":hover")) { waiting = true; say("Есть новое: уберите указатель с таблицы"); return; }
    const answer = await fetch(String(live));
    if (answer.ok && rows) { rows.innerHTML = await answer.text(); tick(); waiting = false; say("Обновляется само"); }
  };
  events.addEventListener("change", (event) => { if (!reload || event.data === reload) refresh(); });
  events.addEventListener("alert", (event) => { sound(); if (!reload || event.data === reload) refresh(); });
  events.addEventListener("open", () => { say("Обновляется само"); if (live) refresh(); });
  events.addEventListener("error", () => say("Связь прервалась, восстанавливаем…"));
  document.getElementById("rows")?.addEventListener("mouseleave", () => { if (waiting) refresh(); });
}

const audio = document.querySelector("audio");
const waves = /** @type {HTMLElement | null} */ (document.querySelector(".waves"));
if (audio && waves) {
  const lines = [...document.querySelectorAll(".line")];
  const cursor = /** @type {HTMLElement} */ (waves.querySelector(".cursor"));
  const length = () => audio.duration || Number(waves.dataset.duration) / 1000;
  waves.addEventListener("click", (event) => { audio.currentTime = (event.offsetX / waves.clientWidth) * length(); audio.play(); });
  for (const line of lines) {
    line.querySelector(".by a")?.addEventListener("click", () => { audio.currentTime = Number(line.getAttribute("data-start")) / 1000; audio.play(); });
  }
  audio.addEventListener("timeupdate", () => {
    const now = audio.currentTime * 1000;
    cursor.style.left = `${(audio.currentTime / length()) * 100}%`;
    let current = null;
    for (const line of lines) { line.removeAttribute("data-current"); if (Number(line.getAttribute("data-start")) <= now) current = line; }
    current?.setAttribute("data-current", "");
    if (!audio.paused) current?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  });
}

document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|TEXTAREA|SELECT/.test(target.tagName)) return;
  if (event.key === "?") {
    const sheet = /** @type {HTMLDialogElement} */ (document.getElementById("keys"));
    const list = sheet.querySelector("ul");
    if (list) {
      list.replaceChildren(...[...document.querySelectorAll("[data-key]")].map((control) => {
        const item = document.createElement("li");
        const key = document.createElement("kbd");
        key.textContent = control.getAttribute("data-key");
        item.append(key, control.textContent?.trim() ?? "");
        return item;
      }));
    }
    sheet.showModal();
    return;
  }
  const control = /** @type {HTMLElement | null} */ (document.querySelector(`[data-key="${CSS.escape(event.key)}"]`));
  if (control) { event.preventDefault(); control.click(); }
});
