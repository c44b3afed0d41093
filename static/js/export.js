// Follows an export while it is packed; the page is drawn anew when it has ended.
import { ask } from "./net.js";
import { page } from "./page.js";

page(import.meta.url, ({ every }) => {
  const box = document.querySelector("[data-export]");
  if (!box) return;
  every(1500, async () => {
    const { ok, status, data } = await ask(`/api/export/${box.dataset.export}/`).catch(() => ({ ok: false, status: 0 }));
    if (!document.contains(box)) return;
    if (status === 404 || (ok && !["queued", "running"].includes(data.status))) return location.reload();
    if (!ok) return;
    box.querySelector("progress").value = data.progress;
    box.querySelector("[data-percent]").textContent = `${Math.round(data.progress * 100)}%`;
  });
});
