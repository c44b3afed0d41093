// The studio: what the prompt is read into, live; sliders that follow it until they are touched; the queue beside.
import { ask, left, listen, redraw, sentence } from "./net.js";
import { page } from "./page.js";
import { clock } from "./wave.js";

page(import.meta.url, ({ signal }) => {
  const form = document.querySelector("#studio");
  const prompt = form.querySelector("#prompt");
  const read = form.querySelector("#read-as");
  const generate = form.querySelector("#generate");
  const total = form.querySelector("[data-total]");
  const live = form.querySelector("[data-live]");
  const side = document.querySelector("#desk-side");
  const WHY = { prompt: "from the prompt", references: "from the references", genre: "from the genre", catalog: "from your catalog", default: "by default" };

  const span = (seconds) => {
    if (seconds < 90) return `${Math.max(1, Math.round(seconds))} second${Math.round(seconds) === 1 ? "" : "s"}`;
    return `${Math.round(seconds / 60)} minutes`;
  };

  // --- sliders ---
  const figure = (name, value) => {
    if (name === "energy") return Number(value).toFixed(2).replace(/^0(?=\.)/, "");
    if (name === "duration_seconds") return clock(value);
    return String(Math.round(value));
  };
  // What is written in a field as a number: 1:30 is 90.
  const meant = (text) => {
    const found = /^(\d{1,2}):([0-5]?\d)$/.exec(text.trim());
    return found ? Number(found[1]) * 60 + Number(found[2]) : Number(text.replace(",", "."));
  };
  const sliders = new Map();
  for (const row of form.querySelectorAll("[data-slider]")) {
    const name = row.dataset.slider;
    const range = row.querySelector("[type=range]"), value = row.querySelector(".value");
    const fill = row.querySelector(".fill"), free = row.querySelector("[data-free]");
    range.hidden = false;
    const draw = () => {
      const share = (range.value - range.min) / (range.max - range.min);
      fill.setAttribute("x2", `${(100 * share).toFixed(2)}%`);
      row.classList.toggle("mine", value.value !== "");
      free.hidden = value.value === "";
    };
    // The prompt moves it while it is not the artist's own.
    const follow = (now) => {
      value.placeholder = figure(name, now);
      if (value.value === "") range.value = now;
      draw();
    };
    range.addEventListener("input", () => { value.value = figure(name, range.value); draw(); ask_later(); });
    value.addEventListener("input", () => { if (value.value !== "" && Number.isFinite(meant(value.value))) range.value = meant(value.value); draw(); ask_later(); });
    free.addEventListener("click", () => { value.value = ""; draw(); ask_later(0); value.focus(); });
    if (value.value !== "") range.value = meant(value.value);
    draw();
    sliders.set(name, { follow });
  }

  // --- with whom, and how much of them ---
  const partner = form.elements.blend?.tagName === "SELECT" ? form.elements.blend : null;
  if (partner) {
    const row = form.querySelector("[data-weight]"), range = row.querySelector("[type=range]"), value = form.elements.weight;
    const draw = () => {
      row.hidden = !partner.value;
      row.querySelector(".fill").setAttribute("x2", `${range.value}%`);
    };
    range.hidden = false;
    range.addEventListener("input", () => { value.value = range.value; draw(); ask_later(); });
    value.addEventListener("input", () => { if (Number.isFinite(meant(value.value))) range.value = meant(value.value); draw(); ask_later(); });
    partner.addEventListener("change", draw);
    draw();
  }

  // --- what it is read into ---
  let timer, asked = 0;
  function ask_later(pause = 250) {
    clearTimeout(timer);
    timer = setTimeout(brief, pause);
  }

  function query() {
    const fields = new URLSearchParams();
    for (const name of ["prompt", "energy", "bpm", "duration_seconds", "key", "genre", "temperature"]) {
      const value = form.elements[name].value.trim();
      if (value) fields.set(name, name === "duration_seconds" ? meant(value) : value);
    }
    const own = told();
    for (const field of own ? own.querySelectorAll("[name]") : []) if (field.value.trim()) fields.set(field.name, field.value.trim());
    if (partner?.value) {
      fields.set("blend", partner.value);
      const weight = meant(form.elements.weight.value);
      if (form.elements.weight.value.trim() && Number.isFinite(weight)) fields.set("weight", String(weight / 100));
    }
    fields.set("takes", form.elements.takes.value || "1");
    fields.set("engine", form.elements.engine.value || "");
    for (const place of [1, 2, 3]) {
      const track = form.elements[`reference_${place}`].value;
      if (track) fields.append("reference_tracks", track);
    }
    return fields;
  }

  // Settings of the chosen engine alone are shown and sent.
  const told = () => form.querySelector(`[data-engine="${CSS.escape(form.elements.engine.value || "")}"]`);
  function settle() {
    for (const set of form.querySelectorAll("[data-engine]")) set.hidden = set.disabled = set !== told();
  }
  for (const set of form.querySelectorAll("[data-engine]")) {
    const text = set.querySelector("[data-text]"), edit = set.querySelector("[data-edit-text]");
    edit.hidden = false;
    edit.addEventListener("click", () => { if (!text.value.trim()) text.value = text.placeholder; text.focus(); });
    text.addEventListener("input", () => ask_later());
  }
  settle();

  async function brief() {
    const mine = (asked += 1);
    let answer;
    try { answer = await ask(`${form.dataset.brief}?${query()}`); } catch { return; }
    if (mine !== asked || signal.aborted) return;
    errors(answer.ok ? {} : answer.data?.errors || {});
    if (!answer.ok) return;
    const { brief: now, evidence, words, notes, estimate_seconds: seconds, engine } = answer.data;
    for (const [name, slider] of sliders) slider.follow(now[name]);
    for (const element of form.querySelectorAll("[data-why]")) {
      const why = evidence[element.dataset.why];
      element.textContent = why === "catalog" && partner?.value ? "from both of you" : WHY[why] || "";
    }
    say(words, now, evidence);
    for (const element of form.querySelectorAll("[data-notes]")) element.textContent = notes.join(" ");
    form.elements.genre.placeholder = now.genre || "Any";
    form.dispatchEvent(new CustomEvent("briefed", { detail: now }));
    total.textContent = `Estimated: ${span(seconds)}`;
    const text = told()?.querySelector("[data-text]");
    if (text && now.text && !text.value.trim()) text.placeholder = now.text;
    const offer = form.querySelector(`[data-estimate="${CSS.escape(engine)}"]`);
    if (offer) offer.textContent = `about ${span(seconds)}`;
  }

  function say(words, now, evidence) {
    if (!words.length) {
      read.textContent = prompt.value.trim() ? "No tempo, key, genre, mood or instrument was read: your catalog decides." : "Nothing said: your catalog decides.";
      return;
    }
    const parts = ["Read as "];
    for (const word of words) {
      const em = document.createElement("em");
      em.textContent = word;
      parts.push(em, " ");
    }
    if (now.key && evidence.key === "catalog") {
      const em = document.createElement("em");
      em.textContent = now.key;
      parts.push("in ", em, partner?.value ? ", where the two of you meet" : ", where your catalog lies");
    }
    read.replaceChildren(...parts);
  }

  form.addEventListener("input", (event) => { if (event.target === prompt || event.target.name === "genre") ask_later(); });
  form.addEventListener("change", () => { settle(); ask_later(0); });

  // --- asking for it ---
  function errors(found) {
    for (const element of form.querySelectorAll("[data-error]")) {
      if (element.closest("[data-engine]") && element.closest("[data-engine]") !== told()) continue;
      const name = element.dataset.error;
      const sentences = found[name] || (name === "reference_1" ? found.reference_tracks : null) || [];
      element.textContent = [].concat(sentences).join(" ");
      form.elements[name]?.setAttribute?.("aria-invalid", String(Boolean(sentences.length)));
    }
    // Of an engine without these settings there is no field to say it beside.
    const general = [].concat(found.__all__ || found.engine || [], told() ? [] : found.model || found.text || []);
    const box = document.querySelector("#form-errors");
    box.replaceChildren(...general.map((one) => Object.assign(document.createElement("p"), { textContent: one })));
    box.hidden = !general.length;
    if (general.length) box.scrollIntoView({ block: "nearest" });
  }

  form.addEventListener("submit", async (event) => {
    if (event.submitter?.name === "save") return;   // presets.js
    event.preventDefault();
    if (generate.disabled) return;
    generate.disabled = true;
    generate.textContent = "Sending";
    try {
      const { ok, data } = await ask(form.action, { method: "POST", form: new FormData(form) });
      if (ok) {
        form.elements.request_key.value = data.request_key;
        form.dataset.seed = data.seed;
        errors({});
        live.textContent = "Queued. Progress is shown beside the form.";
        await renew();
        document.querySelector("#now")?.scrollIntoView({ block: "nearest", behavior: "smooth" });
      } else {
        errors(data?.errors || { __all__: [sentence(data, "The request was not taken. Reload the page and try again.")] });
      }
    } catch {
      errors({ __all__: ["The server could not be reached. Your request is still here: try again."] });
    } finally {
      generate.disabled = false;
      generate.textContent = "Generate with Provenance";
    }
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
  }, { signal });

  // --- the queue beside ---
  const renew = () => redraw(["now"], side.querySelector("#now").dataset.url);
  let planned;
  const soon = () => { planned ??= setTimeout(async () => { planned = undefined; await renew(); }, 300); };

  listen("/ws/activity/", (row) => {
    if (row.type !== "generation") return;
    const job = side.querySelector(`[data-generation="${CSS.escape(row.id)}"]`);
    const over = ["ready", "failed", "cancelled"].includes(row.status);
    if (over) live.textContent = row.status === "ready" ? `${row.title} is ready.` : `${row.title}: ${row.error || row.status}`;
    const takes = String(row.takes_ready);
    if (over || !job || (job.dataset.takes !== undefined && job.dataset.takes !== takes)) { soon(); if (!job || over) return; }
    job.dataset.takes = takes;
    job.querySelector("progress").value = row.progress;
    if (row.status === "running") {
      job.querySelector("[data-percent]").textContent = `${Math.round(100 * row.progress)}%`;
      job.querySelector("[data-stage]").textContent = row.stage ? `${row.stage.replace(/\.$/, "")}.` : "";
      job.querySelector("[data-left]").textContent = left(row.eta_seconds);
    }
  }, soon);

  side.addEventListener("submit", async (event) => {
    const cancel = event.target.closest("[data-cancel]");
    if (!cancel) return;
    event.preventDefault();
    await ask(cancel.action, { method: "POST", form: new FormData(cancel) });
    const stage = cancel.closest(".job")?.querySelector("[data-stage]");
    if (stage) stage.textContent = "Stopping";
    soon();
  });

  ask_later(0);
});
