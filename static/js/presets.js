// Presets: saved without leaving the page; what is written already stays when one without words of its own is taken.
import { ask, redraw, sentence } from "./net.js";
import { page } from "./page.js";

page(import.meta.url, () => {
  const form = document.querySelector("#studio"), keep = form.querySelector("[data-keep]");
  const name = keep.querySelector("#preset_name"), saved = keep.querySelector("[data-saved]");
  const error = keep.querySelector("[data-error]"), replace = keep.querySelector("[data-replace]");
  const save = keep.querySelector("[name=save]");

  form.addEventListener("click", (event) => {
    const link = event.target.closest("[data-start]"), words = form.elements.prompt.value.trim();
    if (!link || !words) return;
    const address = new URL(link.href);
    address.searchParams.set("prompt", words);
    link.href = address;
  });

  // Enter in the name keeps the settings: nothing is made by it.
  name.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    save.click();
  });
  name.addEventListener("input", () => { replace.hidden = true; error.textContent = saved.textContent = ""; });

  form.addEventListener("submit", async (event) => {
    if (event.submitter?.name !== "save") return;
    event.preventDefault();
    const fields = new FormData(form, event.submitter);
    error.textContent = saved.textContent = "";
    try {
      const { ok, data } = await ask(event.submitter.formAction, { method: "POST", form: fields });
      replace.hidden = !data?.taken;
      if (ok) {
        saved.textContent = `Saved as “${data.name}”.`;
        name.value = "";
        await redraw(["starts"]);
        return;
      }
      const found = Object.values(data?.errors ?? {}).flat();
      error.textContent = found.join(" ") || sentence(data, "Nothing was saved. Reload the page and try again.");
    } catch {
      error.textContent = `Nothing was saved. ${sentence(null)}`;
    }
  });
});
