// Keys that work on every page, and the sheet that lists them. Never while somebody types or holds a control.
import { playing, step } from "./player.js";

const sheet = document.querySelector("#keys"), off = sheet.querySelector("[data-off]");
const TYPES = "input:not([type=checkbox], [type=radio], [type=range], [type=file], [type=submit]), textarea, select, [contenteditable]";
const HOLDS = "input, button, a, summary, [role=slider], audio";   // what space and the arrows mean something to
const PATIENCE = 1500;
let waiting = 0;   // until when the letter after g is awaited

function search() {
  const field = [...document.querySelectorAll("main input[type=search]")].find((one) => one.checkVisibility());
  if (field) {
    field.focus();
    field.select();
  } else sheet.querySelector("[data-search]")?.click();
}

const ANYWHERE = {
  "?": () => sheet.showModal(),
  "/": search,
  g: () => { waiting = performance.now() + PATIENCE; },
  j: () => playing.any() && step(1),
  k: () => playing.any() && step(-1),
  m: () => playing.any() && playing.mute(),
};
const PLAYING = { " ": () => playing.toggle(), ArrowRight: () => playing.by(5), ArrowLeft: () => playing.by(-5) };

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const here = event.target.closest?.(TYPES) ? "typing" : event.target.closest?.(HOLDS) ? "holding" : "";
  if (here === "typing") return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  let deed = !here && playing.any() ? PLAYING[key] : null;
  if (!off.checked) {
    const place = waiting > performance.now() && /^[a-z]$/.test(key) ? sheet.querySelector(`[data-go="${key}"]`) : null;
    waiting = 0;
    deed ??= place ? () => place.click() : ANYWHERE[key];
  }
  if (!deed || (event.repeat && !key.startsWith("Arrow"))) return;
  event.preventDefault();
  deed();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys]")) sheet.showModal();
  else if (event.target === sheet || (event.target.closest("#keys a, #keys [data-close]"))) sheet.close();
});

try {
  off.checked = localStorage.getItem("keys") === "off";
  off.addEventListener("change", () => localStorage.setItem("keys", off.checked ? "off" : "on"));
} catch { /* storage is switched off: the choice holds for this page */ }
