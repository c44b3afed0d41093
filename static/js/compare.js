// Takes beside each other: a digit plays that one from the moment the other has reached.
import { page } from "./page.js";
import { start } from "./player.js";

const typing = (element) => element.closest?.("input, textarea, select, [contenteditable]");

page(import.meta.url, ({ signal }) => {
  document.addEventListener("keydown", (event) => {
    const place = document.querySelector("[data-compare]");
    if (!place || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const button = /^[1-4]$/.test(event.key) && place.querySelectorAll("[data-play]")[Number(event.key) - 1];
    if (!button) return;
    const playing = [...place.querySelectorAll("[data-play]")].some((one) => one.getAttribute("aria-pressed") === "true");
    event.preventDefault();
    start(button, playing ? document.querySelector("#player audio").currentTime : undefined);
  }, { signal });
});
