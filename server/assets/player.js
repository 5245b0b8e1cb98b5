// @ts-check
// <gradus-player>: the recording under its waveform and heat curve; the transcript follows, and every time leads into it.

/** @param {number} seconds @returns {string} */
const place = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds) % 60).padStart(2, "0")}`;

customElements.define("gradus-player", class extends HTMLElement {
  /** The utterance that is heard. @type {Element | undefined} */
  current = undefined;

  connectedCallback() {
    this.audio = this.querySelector("audio");
    this.cursor = /** @type {HTMLElement | null} */ (this.querySelector(".cursor"));
    this.controls = /** @type {HTMLElement | null} */ (this.querySelector(".controls"));
    if (!this.audio || !this.controls) return;
    this.controls.hidden = false;
    this.range = /** @type {HTMLInputElement} */ (this.querySelector("input[type=range]"));
    this.time = /** @type {HTMLElement} */ (this.querySelector(".time"));
    this.follow = /** @type {HTMLInputElement} */ (this.querySelector("[data-act=follow]"));
    this.button = /** @type {HTMLElement} */ (this.querySelector("[data-act=play]"));
    this.listen(this.audio);
  }

  /** @param {HTMLAudioElement} audio */
  listen(audio) {
    this.addEventListener("click", (event) => {
      const act = /** @type {Element} */ (event.target).closest("[data-act]")?.getAttribute("data-act");
      if (act === "play") audio.paused ? audio.play() : audio.pause();
      if (act === "back") this.seek(audio.currentTime - 5);
      if (act === "on") this.seek(audio.currentTime + 5);
      const track = /** @type {Element} */ (event.target).closest(".wave-track");
      if (track) {
        const box = track.getBoundingClientRect();
        this.seek(((/** @type {MouseEvent} */ (event)).clientX - box.left) / box.width * this.length);
        audio.play();
      }
    });
    this.range?.addEventListener("input", () => this.seek(Number(this.range?.value) / 1000 * this.length));
    this.querySelector("select")?.addEventListener("change", (event) => {
      audio.playbackRate = Number(/** @type {HTMLSelectElement} */ (event.target).value);
    });
    document.addEventListener("click", (event) => {
      const link = /** @type {Element} */ (event.target).closest("[data-seek]");
      if (!link) return;
      event.preventDefault();
      this.seek(Number(link.getAttribute("data-seek")) / 1000);
      audio.play();
    });
    for (const name of ["play", "pause", "ended"]) audio.addEventListener(name, () => this.shape());
    for (const name of ["timeupdate", "seeked", "loadedmetadata"]) audio.addEventListener(name, () => this.show());
    this.show();
  }

  /** Seconds of the recording: known to the server before the file is read. */
  get length() {
    const known = Number(this.dataset.duration) / 1000;
    return Number.isFinite(this.audio?.duration) ? Number(this.audio?.duration) : known;
  }

  /** @param {number} seconds */
  seek(seconds) {
    if (this.audio) this.audio.currentTime = Math.min(Math.max(0, seconds), this.length || seconds);
    this.show();
  }

  shape() {
    const playing = this.audio ? !this.audio.paused : false;
    this.classList.toggle("playing", playing);
    this.button?.setAttribute("aria-label", this.button.getAttribute(playing ? "data-pause" : "data-play") ?? "");
  }

  show() {
    const now = this.audio?.currentTime ?? 0;
    const part = this.length ? now / this.length : 0;
    if (this.cursor) { this.cursor.hidden = false; this.cursor.style.left = `${part * 100}%`; }
    if (this.range) {
      this.range.value = String(Math.round(part * 1000));
      this.range.setAttribute("aria-valuetext", place(now));
    }
    if (this.time) this.time.textContent = `${place(now)} / ${place(this.length)}`;
    this.mark(now * 1000);
  }

  /** Marks the utterance that is heard. @param {number} now milliseconds */
  mark(now) {
    const lines = [...document.querySelectorAll(".line")];
    const current = lines.filter((line) => Number(line.getAttribute("data-start")) <= now).pop();
    if (current === this.current) return;
    this.current?.classList.remove("current");
    this.current = current;
    if (this.audio?.paused) return;
    current?.classList.add("current");
    if (this.follow?.checked) current?.scrollIntoView({ block: "center", behavior: "smooth" });
  }
});
