// @ts-check
// <play-moment src start end>: hears one moment of a recording, milliseconds; one at a time on the page.

const audio = new Audio();
audio.preload = "none";
/** The moment that is heard. @type {HTMLElement | undefined} */
let playing = undefined;
let until = 0;

function shape() {
  for (const moment of document.querySelectorAll("play-moment")) {
    const now = moment === playing && !audio.paused;
    const button = moment.querySelector("button");
    moment.classList.toggle("playing", now);
    button?.setAttribute("aria-label", button.getAttribute(now ? "data-pause" : "data-play") ?? "");
  }
}

for (const name of ["play", "pause", "ended", "error"]) audio.addEventListener(name, shape);
audio.addEventListener("timeupdate", () => { if (audio.currentTime >= until) audio.pause(); });

customElements.define("play-moment", class extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    if (!button) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      if (playing === this && !audio.paused) { audio.pause(); return; }
      const source = this.getAttribute("src") ?? "";
      const start = Number(this.getAttribute("start")) / 1000;
      playing = this;
      until = Number(this.getAttribute("end")) / 1000;
      if (audio.getAttribute("src") !== source) { audio.setAttribute("src", source); audio.preload = "auto"; }
      audio.currentTime = start;
      audio.play().catch(shape);
    });
  }
});
