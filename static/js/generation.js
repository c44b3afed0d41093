// One generation while it is being made: stage, fraction, time left, and each take as soon as it is there.
import { ask, left, listen, redraw } from "./net.js";
import { page } from "./page.js";

page(import.meta.url, ({ signal, every }) => {
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
      // Without the turning of pages (turn.js) a reload would end what somebody listens to.
      if (!globalThis.navigation && document.querySelector("[data-play][aria-pressed=true]")) {
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
    if (ok && !signal.aborted) show({ ...data, takes_ready: data.takes?.length ?? takes });
  };
  listen(`/ws/generations/${id}/`, show, state);
  every(10_000, state);
});
