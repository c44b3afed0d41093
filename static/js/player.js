// One <audio> for as long as the tab is open. Anything with data-play is a play button:
//   data-play="<audio url>" data-title data-by data-href data-levels="3,40,…" (percent) data-seconds
//   data-gain="-4.9" (dB, of sounds that are heard against each other: they are as loud as the quietest of them)
// A .seek element with data-for="<audio url>" is a waveform of the same sound, here and in the bar alike.
// Before and after a sound stand those of the list (data-list, else the table or list) that it was started from.
import { everyPage } from "./page.js";
import { heard } from "./loud.js";
import { kept, remember, system } from "./playing.js";
import { clock, paint, wave } from "./wave.js";

export { clock, levels, paint, wave } from "./wave.js";

const bar = document.querySelector("#player");
const part = (name) => bar.querySelector(`[data-player=${name}]`);
const audio = part("audio"), toggle = part("toggle"), title = part("title"), time = part("time"), volume = part("volume");
const state = { list: [], place: 0 };   // a sound: { play, title, by, href, seconds, levels, gain }
const loudness = heard(audio);
let own = kept.volume(), gain = 1;

const sound = () => state.list[state.place];
const is = (url) => url !== undefined && url === sound()?.play;
const length = () => (Number.isFinite(audio.duration) && audio.duration > 0 ? audio.duration : Number(sound()?.seconds) || 0);
const waves = () => [part("seek"), ...document.querySelectorAll(`.seek[data-for="${CSS.escape(sound()?.play ?? "")}"]`)];

function say(element, now, all) {
  if (element.getAttribute("role") !== "slider") return;
  element.setAttribute("aria-valuemax", Math.round(all));
  element.setAttribute("aria-valuenow", Math.round(now));
  element.setAttribute("aria-valuetext", `${clock(now)} of ${clock(all)}`);
}

function show() {
  if (!sound()) return;
  const all = length(), now = audio.currentTime || 0;
  time.textContent = `${clock(now)} / ${clock(all)}`;
  for (const element of waves()) {
    paint(element, all ? now / all : 0);
    say(element, now, all);
  }
}

function words() {
  const playing = !audio.paused && !audio.ended;
  toggle.textContent = playing ? "Pause" : "Play";
  for (const button of document.querySelectorAll("[data-play]")) {
    const mine = playing && is(button.dataset.play);
    button.textContent = mine ? "Pause" : button.dataset.word || "Play";
    if (button.dataset.title) button.setAttribute("aria-label", `${button.textContent} ${button.dataset.title}`);
    button.setAttribute("aria-pressed", String(mine));
  }
}

function load() {
  const { play, by, href, levels } = sound();
  audio.src = play;
  title.textContent = sound().title || "Untitled";
  title.href = href || location.href;
  part("by").textContent = by || "";
  level(Number(sound().gain) || 0);
  const heights = (levels || "").split(",").filter(Boolean).map((one) => one / 100);
  part("seek").replaceChildren(...(heights.length ? [wave(heights, 32)] : []));
  bar.classList.toggle("listed", state.list.length > 1);
  part("previous").disabled = state.place === 0;
  part("next").disabled = state.place === state.list.length - 1;
  bar.hidden = false;
  system.shows(sound());
}

// Decibels, 0 or less.
function level(decibels) {
  gain = 10 ** (Math.min(0, decibels) / 20);
  loudness.set(own * gain);
  sound().gain = decibels;
  const said = decibels <= -0.05 ? `${Math.abs(decibels).toFixed(1)} dB lower, to match` : "";
  part("by").textContent = [sound().by, said].filter(Boolean).join(" \u00b7 ");
}

async function play() {
  try {
    await audio.play();
  } catch (error) {
    if (error.name !== "AbortError") time.textContent = "This cannot be played. Reload the page and try again.";
  }
}

// The sounds of the list that a button stands in, each once.
const list = (button) => button.closest("[data-list]") ?? button.closest("table, ol, ul, main");
function around(button) {
  const mine = list(button), sounds = new Map();
  for (const one of mine?.querySelectorAll("[data-play]") ?? []) {
    if (list(one) === mine && !sounds.has(one.dataset.play)) sounds.set(one.dataset.play, told(one));
  }
  return sounds.size ? [...sounds.values()] : [told(button)];
}

const told = (button) => ({ ...button.dataset, ...(button.closest("[data-unmatched]") ? { gain: 0 } : {}) });

export function start(button, from) {
  const again = is(button.dataset.play);
  state.list = around(button);
  state.place = Math.max(0, state.list.findIndex((one) => one.play === button.dataset.play));
  if (!again) load();
  else level(Number(sound().gain) || 0);
  if (from !== undefined) seek(from);
  play();
}

function seek(seconds) {
  audio.currentTime = Math.max(0, Math.min(seconds, length() || seconds));
  show();
}

export function step(by) {
  if (by < 0 && (audio.currentTime > 3 || state.place === 0)) { seek(0); return; }
  if (!state.list[state.place + by]) return;
  const playing = !audio.paused || audio.ended;
  state.place += by;
  load();
  if (playing) play();
}

export const playing = {
  any: () => Boolean(sound()),
  toggle: () => toggle.click(),
  mute: () => part("mute").click(),
  by: (seconds) => seek(audio.currentTime + seconds),
  sound,
  now: () => audio.currentTime,
  level,
  factor: () => loudness.factor,
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-play]");
  if (!button) return;
  if (is(button.dataset.play) && !audio.paused) audio.pause();
  else start(button);
});
toggle.addEventListener("click", () => (audio.paused ? play() : audio.pause()));
part("previous").addEventListener("click", () => step(-1));
part("next").addEventListener("click", () => step(1));
for (const name of ["play", "pause", "ended", "emptied"]) audio.addEventListener(name, words);
for (const name of ["timeupdate", "loadedmetadata", "seeked", "ended"]) audio.addEventListener(name, show);
audio.addEventListener("error", () => {
  if (audio.getAttribute("src")) time.textContent = "This sound is not available now.";
});

// --- how loud: the listener's, kept; and within it what matches one sound to another, which is said ---
function loud() {
  volume.value = audio.muted ? 0 : Math.round(100 * own);
  part("mute").textContent = audio.muted ? "Muted" : "Mute";
  part("mute").setAttribute("aria-pressed", String(audio.muted));
}
volume.addEventListener("input", () => {
  audio.muted = false;
  own = volume.value / 100;
  loudness.set(own * gain);
  remember.volume(own);
});
part("mute").addEventListener("click", () => { audio.muted = !audio.muted; });
audio.addEventListener("volumechange", loud);
loudness.set(own * gain);
loud();

// --- what plays goes on over pages; a page that was loaded anew shows it where it was, and waits ---
everyPage(() => { words(); show(); });
document.addEventListener("redrawn", () => { words(); show(); });
addEventListener("pagehide", () => remember.sounds(sound() ? { ...state, at: audio.currentTime } : null));
const before = kept.sounds();
if (before) {
  Object.assign(state, { list: before.list, place: before.place });
  load();
  seek(before.at);
}
system.asks(audio, { play, pause: () => audio.pause(), step, seek, length });

// --- waveforms as sliders ---
const buttonFor = (element) => document.querySelector(`[data-play="${CSS.escape(element.dataset.for || "")}"]`);
const mine = (element) => element === part("seek") || is(element.dataset.for);

function at(element, seconds) {
  if (mine(element)) {
    seek(seconds);
    return;
  }
  const button = buttonFor(element);
  if (button) start(button, seconds);
}

const here = (element) => ({
  now: mine(element) ? audio.currentTime : 0,
  all: mine(element) ? length() : Number(buttonFor(element)?.dataset.seconds) || 0,
});

document.addEventListener("pointerdown", (event) => {
  const element = event.target.closest(".seek");
  if (!element || event.button) return;
  const box = element.getBoundingClientRect(), over = new AbortController();
  const go = (x) => at(element, Math.max(0, Math.min(1, (x - box.left) / box.width)) * here(element).all);
  go(event.clientX);
  document.addEventListener("pointermove", (moved) => go(moved.clientX), { signal: over.signal });
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => over.abort(), { signal: over.signal });
});

const STEPS = { ArrowRight: 5, ArrowLeft: -5, ArrowUp: 5, ArrowDown: -5, PageUp: 15, PageDown: -15 };
document.addEventListener("keydown", (event) => {
  const element = event.target.closest?.(".seek");
  if (!element || event.ctrlKey || event.metaKey || event.altKey) return;
  const { now, all } = here(element);
  if (event.key in STEPS) at(element, now + STEPS[event.key]);
  else if (event.key === "Home") at(element, 0);
  else if (event.key === "End") at(element, Math.max(0, all - 1));
  else if (event.key === " " || event.key === "Enter") (element === part("seek") ? toggle : buttonFor(element))?.click();
  else return;
  event.preventDefault();
});
