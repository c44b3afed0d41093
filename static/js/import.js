// An import under way: follow it, and show the report when it is there.
import { ask, left } from "./net.js";
import { page } from "./page.js";

page(import.meta.url, ({ signal }) => {
  const box = document.querySelector("[data-watch-import]");
  if (!box) return;
  const bar = box.querySelector("progress"), stage = box.querySelector("[data-stage]"), rest = box.querySelector("[data-left]");
  const look = async () => {
    const { ok, data } = await ask(box.dataset.watchImport);
    if (signal.aborted) return;
    if (ok) {
      if (["ready", "failed", "cancelled"].includes(data.status)) { location.reload(); return; }
      bar.value = data.progress;
      if (data.stage) stage.textContent = data.stage;
      rest.textContent = left(data.eta_seconds);
    }
    setTimeout(look, ok ? 700 : 3000);
  };
  look();
});
