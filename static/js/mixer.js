// The layers of a take played together, each muted or soloed at once. Only what is kept makes a new take.
import { page } from "./page.js";
import { clock, paint } from "./wave.js";

const MEMORY = 256e6;  // bytes of decoded sound for one take: longer ones are heard at a lower rate
const main = document.querySelector("#player audio");
const desks = new WeakMap(), open = new Set();
let playing = null;

class Desk {
  constructor(form) {
    this.form = form;
    this.seconds = Number(form.dataset.seconds) || 0;
    this.layers = [...form.querySelectorAll("[data-layer]")].filter((one) => one.dataset.sound);
    this.run = form.querySelector("[data-run]");
    this.at = form.querySelector("[data-at]");
    this.clock = form.querySelector("[data-clock]");
    this.from = 0;
    this.sources = null;
    this.heard();
  }

  // Which layers sound: the soloed ones, else all that are not muted.
  out() {
    const solo = this.layers.some((one) => one.querySelector("[data-solo]")?.checked);
    return new Set(this.layers.filter((one) => (solo ? !one.querySelector("[data-solo]").checked : one.querySelector("[data-mute]")?.checked)));
  }

  heard() {
    const out = this.out();
    for (const one of this.layers) {
      one.classList.toggle("out", out.has(one));
      if (one.gain) one.gain.gain.setTargetAtTime(out.has(one) ? 0 : 1, this.context.currentTime, 0.01);
    }
    const place = this.form.querySelector("[data-heard]"), keep = this.form.querySelector("[data-keep]");
    place.dataset.idle ??= place.textContent;
    const names = (wanted) => this.layers.filter(wanted).map((one) => one.querySelector(".what").textContent.toLowerCase());
    const left = names((one) => out.has(one)), kept = names((one) => !out.has(one));
    const list = (words) => (words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1)}` : words[0]);
    if (!left.length) place.textContent = place.dataset.idle;
    else if (!kept.length) place.textContent = "Nothing is left to hear.";
    else place.textContent = left.length > kept.length ? `Heard: only ${list(kept)}.` : `Heard: without ${list(left)}.`;
    if (keep) {
      keep.disabled = !left.length || !kept.length;
      keep.textContent = "Keep as a New Take";
    }
  }

  async load() {
    const rate = Math.max(8000, Math.min(44100, Math.floor(MEMORY / (8 * Math.max(1, this.seconds) * this.layers.length))));
    this.context = new AudioContext({ sampleRate: rate });
    open.add(this);
    for (const [number, one] of this.layers.entries()) {
      this.run.textContent = `Reading ${number + 1} of ${this.layers.length}`;
      const answer = await fetch(one.dataset.sound, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(answer.statusText);
      one.sound = await this.context.decodeAudioData(await answer.arrayBuffer());
      one.gain = this.context.createGain();
      one.gain.connect(this.context.destination);
    }
    this.seconds = Math.max(...this.layers.map((one) => one.sound.duration));
  }

  async play() {
    main?.pause();
    if (playing && playing !== this) playing.pause();
    playing = this;
    try {
      if (!this.context) await this.load();
    } catch {
      this.context = null;
      this.run.textContent = "Not available now";
      return;
    }
    if (this.context.state === "closed") return;
    await this.context.resume();
    if (this.from >= this.seconds - 0.05) this.from = 0;
    this.heard();
    const begin = this.context.currentTime + 0.03;
    this.sources = this.layers.map((one) => {
      const source = this.context.createBufferSource();
      source.buffer = one.sound;
      source.connect(one.gain);
      source.start(begin, this.from);
      return source;
    });
    this.zero = begin - this.from;
    this.sources[0].addEventListener("ended", () => { if (this.sources && this.position() >= this.seconds - 0.1) { this.from = 0; this.stop(); } });
    this.run.textContent = "Pause Layers";
    this.tick();
  }

  position() { return this.sources ? Math.max(0, this.context.currentTime - this.zero) : this.from; }

  stop() {
    this.sources?.forEach((one) => one.stop());
    this.sources = null;
    this.run.textContent = "Play Layers";
    this.show();
  }

  pause() {
    if (!this.sources) return;
    this.from = Math.min(this.position(), this.seconds);
    this.stop();
  }

  // Its page is left: silence, and the decoded sound is given back.
  shut() {
    this.sources?.forEach((one) => one.stop());
    this.sources = null;
    this.context.close();
  }

  seek(seconds) {
    const on = Boolean(this.sources);
    if (on) this.stop();
    this.from = Math.max(0, Math.min(this.seconds, seconds));
    if (on) this.play();
    else this.show();
  }

  show() {
    const now = Math.min(this.position(), this.seconds);
    this.at.value = now;
    this.at.setAttribute("aria-valuetext", `${clock(now)} of ${clock(this.seconds)}`);
    this.clock.textContent = `${clock(now)} / ${clock(this.seconds)}`;
    for (const one of this.layers) paint(one.querySelector(".lane"), this.seconds ? now / this.seconds : 0);
  }

  tick() {
    if (!this.sources) return;
    this.show();
    requestAnimationFrame(() => this.tick());
  }
}

const desk = (element) => {
  const form = element.closest?.("[data-mixer]");
  if (!form) return null;
  if (!desks.has(form)) desks.set(form, new Desk(form));
  return desks.get(form);
};

page(import.meta.url, ({ signal }) => {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-run]")) {
      const one = desk(event.target);
      if (one.sources) one.pause();
      else one.play();
    }
  }, { signal });
  document.addEventListener("change", (event) => { if (event.target.matches("[data-mute], [data-solo]")) desk(event.target)?.heard(); }, { signal });
  document.addEventListener("input", (event) => { if (event.target.matches("[data-at]")) desk(event.target).seek(Number(event.target.value)); }, { signal });
  document.addEventListener("pointerdown", (event) => {
    const lane = event.target.closest(".lane"), one = lane && desk(lane);
    if (!one || event.button) return;
    const box = lane.getBoundingClientRect();
    one.seek(one.seconds * Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)));
  }, { signal });
  main?.addEventListener("play", () => playing?.pause(), { signal });

  // What is kept is what is heard: with a solo, everything else is left out.
  document.addEventListener("fields", (event) => {
    const one = desk(event.target), { fields, button } = event.detail;
    if (!one || button.value !== "mute") return;
    fields.delete("layers");
    for (const layer of one.out()) fields.append("layers", layer.dataset.layer);
  }, { signal });

  signal.addEventListener("abort", () => {
    playing = null;
    for (const one of open) one.shut();
    open.clear();
  });

  // A take that has just come, or boxes the browser remembered as ticked.
  const ready = () => document.querySelectorAll("[data-mixer]").forEach(desk);
  ready();
  new MutationObserver(ready).observe(document.querySelector("main"), { childList: true, subtree: true });
});
