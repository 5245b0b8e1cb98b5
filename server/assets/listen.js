// @ts-check
// <listen-in>: hears a live call in the browser as its sound arrives. Links with data-listen begin and end it; the bar shows who is
// heard, how loud each party is, and what was missed. Nothing is kept.

/** Seconds of sound that lie ready: the network may tremble by this much. */
const READY = 0.15;
/** From this many seconds on the sound has fallen behind, and is passed over until it is ready again. */
const LATE = 0.6;
/** The sides of a call in the order of the first byte of a message. */
const SIDES = ["both", "customer", "agent"];

customElements.define("listen-in", class extends HTMLElement {
  /** @type {WebSocket | null} */ socket = null;
  /** @type {AudioContext | null} */ sound = null;
  rate = 16000;
  id = "";
  missed = 0;
  /** When the sound that came last ends, by party. */ ends = [0, 0, 0];
  /** The loudness that is shown, by party. */ loud = [0, 0, 0];

  connectedCallback() {
    document.addEventListener("click", (event) => {
      const link = /** @type {Element} */ (event.target).closest?.("[data-listen]");
      if (!link) return;
      event.preventDefault();
      const id = link.getAttribute("data-listen") ?? "";
      if (this.socket && this.id === id) this.stop(); else this.begin(id, link.getAttribute("data-who") ?? "");
    });
    this.querySelector("button")?.addEventListener("click", () => this.stop());
    document.addEventListener("gradus:rows", () => this.mark());
    document.addEventListener("gradus:refreshed", () => this.mark());
    addEventListener("pagehide", () => this.stop());
  }

  /** @param {string} id @param {string} who */
  begin(id, who) {
    this.stop();
    this.hidden = false;
    this.id = id;
    this.missed = 0;
    const name = this.querySelector("[data-name]");
    if (name) name.textContent = who;
    this.say("wait");
    // The press on the link is what lets the browser play.
    this.sound = new AudioContext({ sampleRate: this.rate, latencyHint: "interactive" });
    const address = new URL(`/api/v1/conversations/${encodeURIComponent(id)}/listen`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => this.take(event.data);
    socket.onclose = () => { if (this.socket === socket) this.end("lost"); };
    this.socket = socket;
    this.ends = [0, 0, 0];
    this.draw();
    this.mark();
    // In the table or the head of the page the focus would hold up their updates.
    this.querySelector("button")?.focus({ preventScroll: true });
  }

  /** @param {string | ArrayBuffer} data */
  take(data) {
    if (typeof data !== "string") { this.play(data); return; }
    const news = JSON.parse(data);
    if (news.rate) { this.rate = news.rate; this.say("on"); }
    if (news.missed_ms) { this.missed += news.missed_ms; this.say("on"); }
    if (news.over) this.end("over");
  }

  /** Plays a piece right after the one before it. @param {ArrayBuffer} data */
  play(data) {
    const side = new Uint8Array(data, 0, 1)[0] ?? 0;
    const samples = new Int16Array(data.slice(1));
    if (!this.sound || !samples.length) return;
    const buffer = this.sound.createBuffer(1, samples.length, this.rate);
    const values = buffer.getChannelData(0);
    let most = 0;
    for (let at = 0; at < samples.length; at += 1) {
      const value = (samples[at] ?? 0) / 32768;
      values[at] = value;
      most = Math.max(most, Math.abs(value));
    }
    this.loud[side] = Math.max(this.loud[side] ?? 0, most);
    const now = this.sound.currentTime;
    let from = this.ends[side] ?? 0;
    if (from < now) from = now + READY;
    else if (from > now + LATE) { this.missed += samples.length * 1000 / this.rate; this.say("on"); return; }
    const source = this.sound.createBufferSource();
    source.buffer = buffer;
    source.connect(this.sound.destination);
    source.start(from);
    this.ends[side] = from + buffer.duration;
  }

  /** Moves the meters while somebody listens. */
  draw() {
    if (!this.socket) return;
    SIDES.forEach((name, at) => {
      const meter = /** @type {HTMLMeterElement | null} */ (this.querySelector(`[data-side="${name}"] meter`));
      // Loudness is heard by its logarithm: 60 dB are the whole meter.
      if (meter) meter.value = Math.max(0, 1 + Math.log10(Math.max(this.loud[at] ?? 0, 0.001)) / 3);
      const box = meter?.closest("label");
      if (box && this.loud[at]) box.hidden = false;
      this.loud[at] = (this.loud[at] ?? 0) * 0.8;
    });
    setTimeout(() => this.draw(), 60);
  }

  stop() { this.end(""); }

  /** Ends the listening and says why; without a reason the bar goes away. @param {string} why */
  end(why) {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.sound?.close();
    this.sound = null;
    this.hidden = !why;
    if (why) this.say(why);
    this.mark();
  }

  /** @param {string} what */
  say(what) {
    const state = this.querySelector("[data-state]");
    const seconds = Math.round(this.missed / 1000);
    const words = this.getAttribute(`data-${what}`) ?? "";
    if (state) state.textContent = seconds && what === "on" ? `${words} · ${this.dataset.missed} ${seconds} ${this.dataset.second}` : words;
    this.classList.toggle("on", what === "on");
  }

  /** Shows on the links which call is heard. */
  mark() {
    for (const link of document.querySelectorAll("[data-listen]")) {
      link.setAttribute("aria-pressed", String(Boolean(this.socket) && link.getAttribute("data-listen") === this.id));
    }
  }
});
