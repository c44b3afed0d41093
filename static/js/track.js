// A track that is being analysed: follow it, and show the figures when they are there.
import { ask, listen } from "./net.js";
import { page } from "./page.js";

page(import.meta.url, ({ signal, every }) => {
  const box = document.querySelector("[data-watch-track]");
  if (!box) return;
  const id = box.dataset.watchTrack;
  const bar = box.querySelector("progress"), stage = box.querySelector("[data-stage]"), percent = box.querySelector("[data-percent]");
  const show = (row) => {
    if (row.id !== id || signal.aborted) return;
    bar.value = row.progress;
    percent.textContent = `${Math.round(row.progress * 100)}%`;
    if (row.stage) stage.textContent = row.stage;
    if (["ready", "failed", "cancelled"].includes(row.status)) location.reload();
  };
  listen("/ws/activity/", show);
  every(5000, async () => {
    const { ok, data } = await ask(`/api/tracks/${id}/`);
    if (ok) show({ ...data, progress: data.progress ?? bar.value });
  });
});
