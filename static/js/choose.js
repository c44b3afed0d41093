// Ticking rows of a list: what is ticked survives a redraw, a range is ticked with Shift, the form says how many.
import { page } from "./page.js";

page(import.meta.url, ({ signal }) => {
  const ticked = new Set();
  let last = null;

  const form = () => document.querySelector("#choose");
  const ROW = "input[type=checkbox][form=choose]";
  const boxes = () => [...document.querySelectorAll(ROW)];

  function draw() {
    const choose = form();
    if (!choose) return;
    const all = choose.querySelector("#all"), page = choose.querySelector("#page-all"), shown = boxes();
    for (const box of shown) {
      box.checked = all.checked || ticked.has(box.value);
      box.disabled = all.checked;
    }
    if (page) {
      page.closest("[data-whole-page]").hidden = false;
      page.checked = shown.every((box) => box.checked);
      page.indeterminate = !page.checked && shown.some((box) => box.checked);
      page.disabled = all.checked;
    }
    const count = all.checked ? Number(choose.dataset.count) : shown.filter((box) => box.checked).length;
    choose.querySelector("[data-chosen]").textContent = count ? `${count.toLocaleString("en")} ticked` : "";
    for (const one of choose.querySelectorAll("[data-do]")) one.hidden = count === 0;
    // A field that only some verbs need: <div data-with="tag untag">.
    const verb = choose.querySelector("#do").value;
    for (const one of choose.querySelectorAll("[data-with]")) one.hidden = count === 0 || !one.dataset.with.split(" ").includes(verb);
  }

  function tick(box, on) {
    if (on) ticked.add(box.value);
    else ticked.delete(box.value);
  }

  document.addEventListener("click", (event) => {
    const box = event.target.closest?.(ROW);
    if (!box) return;
    const shown = boxes(), from = shown.findIndex((one) => one.value === last), to = shown.indexOf(box);
    if (event.shiftKey && from >= 0) {
      for (const one of shown.slice(Math.min(from, to), Math.max(from, to) + 1)) tick(one, box.checked);
    }
    last = box.value;
  }, { signal });

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches(ROW)) tick(box, box.checked);
    else if (box.id === "page-all") for (const one of boxes()) tick(one, box.checked);
    else if (!["all", "do"].includes(box.id)) return;
    draw();
    if (box.id === "do") form().querySelector("[data-with]:not([hidden]) input")?.focus();
  }, { signal });

  // The list is swapped when analyses finish (catalog.js); what was ticked is ticked again.
  new MutationObserver(draw).observe(document.querySelector("#content > .wrap"), { childList: true });
  addEventListener("pageshow", () => {
    for (const box of boxes()) tick(box, box.checked);
    draw();
  }, { signal });
  draw();
});
