// One adapter while it learns: step, time left and its curves, as the rows say.
import { left, listen, redraw } from "./net.js";
import { page } from "./page.js";

page(import.meta.url, () => {
  const box = document.querySelector("[data-watch-adapter]");
  const part = (name) => box.querySelector(`[data-${name}]`);
  const bar = box.querySelector("progress");
  let said = 0, drawn = 0, busy = false;

  async function show(row) {
    if (["ready", "failed", "cancelled"].includes(row.status)) return location.reload();
    bar.value = row.progress;
    part("percent").textContent = `${Math.round(100 * row.progress)}%`;
    part("stage").textContent = row.status === "running" ? row.stage || "Starting" : row.step ? "Waiting for its next turn" : "Waiting";
    if (row.step) part("steps").textContent = `Step ${row.step.toLocaleString("en")} of ${row.steps.toLocaleString("en")}`;
    part("left").textContent = left(row.eta_seconds);
    if (Date.now() - said > 15000) {
      said = Date.now();
      part("live").textContent = `${part("percent").textContent}, ${part("stage").textContent}`;
    }
    if (row.loss !== null && row.step !== drawn && !busy) {
      busy = true;
      drawn = row.step;
      await redraw(["learned"]);
      busy = false;
    }
  }

  listen(`/ws/adapters/${box.dataset.watchAdapter}/`, show);
});
