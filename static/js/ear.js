// Hearing one against the other, within a [data-ear]: as loud as each other, changed over at the same place in the bar.
// A digit plays that one, X (or Swap) goes back to the one before.
import { page } from "./page.js";
import { playing, start } from "./player.js";

const typing = (element) => element.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
const plain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey && !event.defaultPrevented;

// Where another sound is at the same bar and beat; at the same second where a grid is not known. Beyond its end it begins
// anew, still in the bar.
export function place(now, from, to) {
  const bar = Number(from?.bar), other = Number(to.bar), length = Number(to.seconds);
  if (!bar || !other) return length ? now % length : now;
  const first = Number(to.first), bars = (now - Number(from.first)) / bar, whole = Math.max(1, Math.floor((length - first) / other));
  const at = first + (((bars % whole) + whole) % whole) * other;
  return bars < 0 && first + bars * other >= 0 ? first + bars * other : at;
}

const buttons = (ear) => [...ear.querySelectorAll("[data-play]")];
const last = new WeakMap();   // of each [data-ear]: the sound before this one

function current(ear) {
  const url = playing.sound()?.play;
  return buttons(ear).find((one) => one.dataset.play === url) ?? null;
}

function go(ear, button) {
  const now = current(ear);
  if (now && now !== button) last.set(ear, now.dataset.play);
  start(button, now && now !== button ? place(playing.now(), now.dataset, button.dataset) : undefined);
}

function swap(ear) {
  const all = buttons(ear), now = current(ear);
  const before = all.find((one) => one.dataset.play === last.get(ear) && one !== now);
  const next = before ?? all.find((one) => one !== now && one.dataset.play !== now?.dataset.play);
  if (next) go(ear, now ? next : all[0]);
}

// The one that is being heard, else the first on the page.
function nearest() {
  const all = [...document.querySelectorAll("[data-ear]")].filter((one) => one.checkVisibility());
  return all.find(current) ?? all[0];
}

page(import.meta.url, ({ signal }) => {
  document.addEventListener("keydown", (event) => {
    if (!plain(event) || event.repeat || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (document.querySelector("#keys [data-off]")?.checked) return;
    const ear = nearest();
    if (!ear) return;
    const button = /^[1-9]$/.test(event.key) ? buttons(ear)[Number(event.key) - 1] : null;
    if (button) go(ear, button);
    else if (event.key.toLowerCase() === "x") swap(ear);
    else return;
    event.preventDefault();
  }, { signal });
  document.addEventListener("click", (event) => {
    const ear = event.target.closest?.("[data-swap]")?.closest("[data-ear]");
    if (ear) swap(ear);
  }, { signal });
  document.addEventListener("change", (event) => {
    const ear = event.target.matches?.("[data-matching]") && event.target.closest("[data-ear]");
    if (!ear) return;
    ear.toggleAttribute("data-unmatched", !event.target.checked);
    const now = current(ear);
    if (now) playing.level(event.target.checked ? Number(now.dataset.gain) : 0);
  }, { signal });
});
