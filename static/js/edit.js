// Edits of a finished take: the chosen section in words, an edit sent from where it was said, a take being made again.
import { ask, sentence } from "./net.js";
import { page } from "./page.js";

page(import.meta.url, ({ signal, every }) => {
  // --- which section ---
  const tell = (input) => {
    const place = input.closest("form").querySelector("[data-chosen]");
    if (input.checked && place && place.textContent !== input.dataset.said) place.textContent = input.dataset.said;
  };
  const tellAll = () => document.querySelectorAll("[data-edit] input[name=section]:checked").forEach(tell);
  document.addEventListener("change", (event) => { if (event.target.matches("[data-edit] input[name=section]")) tell(event.target); }, { signal });

  // --- a slider and its figure are one ---
  document.addEventListener("input", (event) => {
    const set = event.target.closest("[data-edit] .set");
    const range = set?.querySelector("[data-dial]"), figure = set?.querySelector("[data-figure]");
    if (!range) return;
    if (event.target === range) figure.value = range.value;
    else if (figure.value !== "") range.value = figure.value;
    set.querySelector(".fill").setAttribute("x2", `${(100 * (range.value - range.min) / (range.max - range.min)).toFixed(2)}%`);
  }, { signal });

  // --- sending it: what is refused is said beside the button, and nothing typed is lost ---
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-edit]");
    if (!form) return;
    event.preventDefault();
    const button = event.submitter, word = button?.textContent;
    if (!button || button.disabled) return;
    const fields = new FormData(form, button);
    form.dispatchEvent(new CustomEvent("fields", { bubbles: true, detail: { fields, button } }));
    const error = form.closest(".take")?.querySelector("[data-edit-error]");
    const say = (words) => {
      if (!error) return;
      error.textContent = words;
      error.hidden = !words;
      if (words) error.scrollIntoView({ block: "center" });
    };
    say("");
    button.disabled = true;
    button.textContent = "Sending";
    try {
      const { ok, data } = await ask(form.action, { method: "POST", form: fields });
      if (ok) { location.assign(data.url); return; }
      say(sentence(data, "The edit was not taken. Reload the page and try again."));
    } catch {
      say(sentence(null));
    }
    button.disabled = false;
    button.textContent = word;
  }, { signal });

  // --- a link to the edits of a take opens what holds them ---
  const open = () => {
    const wanted = location.hash.startsWith("#edit-") && document.querySelector(location.hash)?.closest("details");
    if (!wanted || wanted.open) return;
    wanted.open = true;
    wanted.scrollIntoView();
  };
  addEventListener("hashchange", open, { signal });

  // --- a take being made again: how far it is, then the page as it is with the audio back ---
  const follow = async (box) => {
    const { ok, data } = await ask(`/api/generated-tracks/${box.dataset.restoring}/`);
    const row = ok && data.restoration;
    if (!row || signal.aborted) return;
    if (!["queued", "running"].includes(row.status)) { location.reload(); return; }
    box.querySelector("progress").value = row.progress;
    box.querySelector("[data-percent]").textContent = `${Math.round(100 * row.progress)}%`;
    if (row.status === "running") box.querySelector("[data-title]").textContent = "Being made again";
    if (row.stage) box.querySelector("[data-stage]").textContent = row.stage;
  };
  every(1000, () => document.querySelectorAll("[data-restoring]").forEach((box) => follow(box).catch(() => {})));

  open();
  tellAll();
  new MutationObserver(tellAll).observe(document.querySelector("main"), { childList: true, subtree: true });
});
