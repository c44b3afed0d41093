// One <audio> for the page. Anything with data-play is a play button:
//   data-play="<audio url>" data-title data-href data-levels="3,40,…" (percent) data-seconds
// A .seek element with data-for="<audio url>" is a waveform of the same sound, here and in the bar alike.

const bar = document.querySelector("#player");
const part = (name) => bar.querySelector(`[data-player=${name}]`);
const audio = part("audio"), toggle = part("toggle"), title = part("title"), time = part("time");
const state = { source: "", seconds: 0 };

export const clock = (seconds) => {
  const whole = Math.max(0, Math.round(seconds || 0));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};

const length = () => (Number.isFinite(audio.duration) && audio.duration > 0 ? audio.duration : state.seconds);
const waves = () => [part("seek"), ...document.querySelectorAll(`.seek[data-for="${CSS.escape(state.source)}"]`)];

// --- drawing: the same bars as the server draws, from the peaks ---
const SVG = "http://www.w3.org/2000/svg";
let clips = 0;

// Peaks 0..127 to `count` levels 0..1, as catalog/svg/waveforms.py does it.
export function levels(peaks, count) {
  const step = peaks.length / count;
  const typical = [...peaks].sort((a, b) => a - b)[Math.floor(0.6 * (peaks.length - 1))] / 127;
  const power = typical > 0 && typical < 1 ? Math.min(3, Math.max(1, Math.log(0.55) / Math.log(typical))) : 1;
  return Array.from({ length: count }, (_, i) => {
    const from = Math.round(i * step), part = peaks.slice(from, Math.max(from + 1, Math.round((i + 1) * step)));
    return (part.reduce((sum, one) => sum + one, 0) / part.length / 127) ** power;
  });
}

function bars(heights, height) {
  let path = "";
  for (let i = 0; i < heights.length; i += 1) {
    const tall = Math.max(2, Math.min(1, heights[i]) * height);
    path += `M${i * 4} ${((height - tall) / 2).toFixed(1)}h3v${tall.toFixed(1)}h-3z`;
  }
  return path;
}

export function wave(heights, height) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${heights.length * 4 - 1} ${height}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "wave");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", bars(heights, height));
  svg.append(path);
  return svg;
}

// What has been played turns grey: a second copy of the bars, cut off at the position.
export function paint(element, share) {
  for (const svg of element.querySelectorAll("svg.wave")) {
    let clip = svg.querySelector("clipPath rect");
    if (!clip) {
      const path = svg.querySelector("path");
      if (!path) continue;
      const holder = document.createElementNS(SVG, "clipPath");
      holder.id = `played-${(clips += 1)}`;
      clip = document.createElementNS(SVG, "rect");
      clip.setAttribute("height", svg.viewBox.baseVal.height);
      holder.append(clip);
      const copy = path.cloneNode();
      copy.setAttribute("class", "past");
      copy.setAttribute("clip-path", `url(#${holder.id})`);
      svg.append(holder, copy);
    }
    clip.setAttribute("width", (svg.viewBox.baseVal.width * share).toFixed(1));
  }
}

function say(element, now, all) {
  if (element.getAttribute("role") !== "slider") return;
  element.setAttribute("aria-valuemax", Math.round(all));
  element.setAttribute("aria-valuenow", Math.round(now));
  element.setAttribute("aria-valuetext", `${clock(now)} of ${clock(all)}`);
}

function show() {
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
    const mine = playing && button.dataset.play === state.source;
    button.textContent = mine ? "Pause" : button.dataset.word || "Play";
    if (button.dataset.title) button.setAttribute("aria-label", `${button.textContent} ${button.dataset.title}`);
    button.setAttribute("aria-pressed", String(mine));
  }
}

function load(button) {
  const data = button.dataset;
  state.source = data.play;
  state.seconds = Number(data.seconds) || 0;
  audio.src = data.play;
  title.textContent = data.title || "";
  title.href = data.href || location.href;
  const heights = (data.levels || "").split(",").filter(Boolean).map((one) => one / 100);
  part("seek").replaceChildren(...(heights.length ? [wave(heights, 32)] : []));
  bar.hidden = false;
}

async function play() {
  try {
    await audio.play();
  } catch (error) {
    if (error.name !== "AbortError") time.textContent = "This cannot be played. Reload the page and try again.";
  }
}

export function start(button, from) {
  if (button.dataset.play !== state.source) load(button);
  if (from !== undefined) seek(from);
  play();
}

function seek(seconds) {
  const to = Math.max(0, Math.min(seconds, length() || seconds));
  audio.currentTime = to;
  show();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-play]");
  if (!button) return;
  if (button.dataset.play === state.source && !audio.paused) audio.pause();
  else start(button);
});
toggle.addEventListener("click", () => (audio.paused ? play() : audio.pause()));
for (const name of ["play", "pause", "ended", "emptied"]) audio.addEventListener(name, words);
for (const name of ["timeupdate", "loadedmetadata", "seeked", "ended"]) audio.addEventListener(name, show);
audio.addEventListener("error", () => {
  if (audio.getAttribute("src")) time.textContent = "This sound is not available now.";
});

// --- waveforms as sliders ---
const buttonFor = (element) => document.querySelector(`[data-play="${CSS.escape(element.dataset.for || "")}"]`);

function at(element, seconds) {
  if (element === part("seek") || element.dataset.for === state.source) {
    seek(seconds);
    return;
  }
  const button = buttonFor(element);
  if (button) start(button, seconds);
}

function here(element) {
  const mine = element === part("seek") || element.dataset.for === state.source;
  return { now: mine ? audio.currentTime : 0, all: mine ? length() : Number(buttonFor(element)?.dataset.seconds) || 0 };
}

document.addEventListener("pointerdown", (event) => {
  const element = event.target.closest(".seek");
  if (!element || event.button) return;
  const box = element.getBoundingClientRect();
  const go = (x) => at(element, Math.max(0, Math.min(1, (x - box.left) / box.width)) * here(element).all);
  go(event.clientX);
  const move = (moved) => go(moved.clientX);
  const stop = () => {
    document.removeEventListener("pointermove", move);
    document.removeEventListener("pointerup", stop);
    document.removeEventListener("pointercancel", stop);
  };
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", stop);
  document.addEventListener("pointercancel", stop);
});

const STEPS = { ArrowRight: 5, ArrowLeft: -5, ArrowUp: 5, ArrowDown: -5, PageUp: 15, PageDown: -15 };
const typing = (element) => element.closest("input, textarea, select, button, a, summary, [contenteditable], [role=slider]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const element = event.target.closest?.(".seek");
  if (element) {
    const { now, all } = here(element);
    if (event.key in STEPS) at(element, now + STEPS[event.key]);
    else if (event.key === "Home") at(element, 0);
    else if (event.key === "End") at(element, Math.max(0, all - 1));
    else if (event.key === " " || event.key === "Enter") {
      const button = element === part("seek") ? toggle : buttonFor(element);
      button?.click();
    } else return;
    event.preventDefault();
    return;
  }
  if (!state.source || typing(event.target)) return;
  if (event.key === " ") {
    toggle.click();
    event.preventDefault();
  } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    seek(audio.currentTime + STEPS[event.key]);
    event.preventDefault();
  }
});
