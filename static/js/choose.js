// Ticking rows of the library: what is ticked survives a redraw, a range is ticked with Shift, the form says how many.
const ticked = new Set();
let last = null;

const form = () => document.querySelector("#choose");
const boxes = () => [...document.querySelectorAll("input[name=track]")];

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
  choose.querySelector("[data-genre]").hidden = count === 0 || choose.querySelector("#do").value !== "genre";
}

function tick(box, on) {
  if (on) ticked.add(box.value);
  else ticked.delete(box.value);
}

document.addEventListener("click", (event) => {
  const box = event.target.closest?.("input[name=track]");
  if (!box) return;
  const shown = boxes(), from = shown.findIndex((one) => one.value === last), to = shown.indexOf(box);
  if (event.shiftKey && from >= 0) {
    for (const one of shown.slice(Math.min(from, to), Math.max(from, to) + 1)) tick(one, box.checked);
  }
  last = box.value;
});

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.name === "track") tick(box, box.checked);
  else if (box.id === "page-all") for (const one of boxes()) tick(one, box.checked);
  else if (!["all", "do"].includes(box.id)) return;
  draw();
  if (box.id === "do" && box.value === "genre") form().querySelector("#genre").focus();
});

// The list is swapped when analyses finish (catalog.js); what was ticked is ticked again.
new MutationObserver(draw).observe(document.querySelector("#content > .wrap"), { childList: true });
addEventListener("pageshow", () => {
  for (const box of boxes()) tick(box, box.checked);
  draw();
});
draw();
