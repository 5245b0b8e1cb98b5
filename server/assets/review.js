// @ts-check
// <review-clip>: one key plays and stops the clip of the moment; after the clip it begins anew.

customElements.define("review-clip", class extends HTMLElement {
  connectedCallback() {
    const audio = this.querySelector("audio");
    const button = this.querySelector("button");
    if (!audio || !button) return;
    const [from] = (new URL(audio.src).hash.match(/[\d.]+/) ?? ["0"]).map(Number);
    const [, to] = (new URL(audio.src).hash.match(/,([\d.]+)/) ?? ["", ""]).map(Number);
    button.hidden = false;
    button.addEventListener("click", () => {
      if (!audio.paused) return audio.pause();
      if (to && audio.currentTime >= to - 0.3) audio.currentTime = from ?? 0;
      audio.play();
    });
  }
});
