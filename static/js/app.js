// Every page: the player, its keys, the turning of pages, light or dark, the menu, and buttons that copy and print.
import { everyPage } from "./page.js";
import "./keys.js";
import "./player.js";
import "./theme.js";
import "./turn.js";

const menu = () => document.querySelector(".menu[open]");
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && menu();
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  const open = menu();
  if (open && !open.contains(event.target)) open.open = false;
});

// <button data-copy="#id">Copy</button>: the word itself says that it worked.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.querySelector(button.dataset.copy)?.textContent.trim();
  const word = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy";
  }
  setTimeout(() => { button.textContent = word; }, 2000);
});
everyPage(() => document.querySelectorAll("[data-copy], [data-print]").forEach((button) => { button.hidden = false; }));
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
