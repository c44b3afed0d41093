// One generation while it is being made: stage, fraction, time left, and each take as soon as it is there.
import { ask, left, listen, redraw } from "./net.js";

const box = document.querySelector("[data-watch]");
const id = box.dataset.watch;
const bar = box.querySelector("progress"), stage = box.querySelector("[data-stage]"), percent = box.querySelector("[data-percent]");
const time = box.querySelector("[data-left]"), live = box.querySelector("[data-live]");
let takes = document.querySelectorAll(".take").length, said = 0, ended = false;

async function show(row) {
  if (ended) return;
  bar.value = row.progress;
  percent.textContent = `${Math.round(100 * row.progress)}%`;
  if (row.status === "running") {
    stage.textContent = row.stage || "Starting";
    time.textContent = left(row.eta_seconds);
  }
  if (Date.now() - said > 5000) {
    said = Date.now();
    live.textContent = `${percent.textContent}, ${stage.textContent}`;
  }
  if (["ready", "failed", "cancelled"].includes(row.status)) {
    ended = true;
    // Somebody may be listening to an earlier take: then only what is new is drawn, and the sound goes on.
    if (document.querySelector("[data-play][aria-pressed=true]")) {
      await redraw(["takes"]);
      live.textContent = "All takes are ready.";
      box.hidden = true;
    } else location.reload();
  } else if (row.takes_ready > takes) {
    takes = row.takes_ready;
    await redraw(["takes"]);
    live.textContent = `Take ${takes} is ready.`;
  }
}

const state = async () => {
  const { ok, data } = await ask(`/api/generations/${id}/`);
  if (ok) show({ ...data, takes_ready: data.takes?.length ?? takes });
};
listen(`/ws/generations/${id}/`, show, state);
setInterval(() => { if (!document.hidden) state(); }, 10000);
