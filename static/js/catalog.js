// The library: files come in, each with its own fate; analysis is followed live.
import { ask, listen, redraw, sentence } from "./net.js";
import { add, begin, fates, left, move, say, settle } from "./fates.js";
import { hold, page } from "./page.js";
import { button, link, sender, unsent } from "./upload.js";

const AUDIO = /\.(wav|wave|flac|mp3|aiff?|aifc|ogg|oga|opus|m4a|mp4|aac)$/i;
const OVER = new Set(["ready", "failed", "cancelled"]);
page(import.meta.url, ({ signal, every }) => {
  const form = document.querySelector("#drop");
  const said = form.querySelector("[data-said]");
  const target = form.querySelector(".target");
  const limit = Number(form.dataset.limit) * 2 ** 20;
  const byTrack = new Map();
  begin();

  form.classList.add("live");
  target.hidden = false;

  function tell(words, ...more) {
    said.replaceChildren(words, ...more.flatMap((one) => [" ", one]));
    said.hidden = !words;
  }

  const sending = sender({
    url: form.dataset.url,
    known: "some" in form.dataset,
    taken(fate, id) {
      fate.id = id;
      byTrack.set(id, fate);
    },
    stopped: (words, goOn) => tell(words, button("Go On", () => { tell(""); goOn(); })),
    idle: () => refresh(),
  });

  // --- files from a picker, a drop, a folder ---
  let held = [];
  function take(files, fromFolder) {
    const rights = form.querySelector("#rights-box");
    const wanted = [];
    for (const file of files) {
      const hidden = file.name.startsWith(".");
      if (hidden || (fromFolder && !AUDIO.test(file.name))) {
        if (!hidden) left.push(file.name);
      } else wanted.push(file);
    }
    if (rights && !rights.checked) {
      held.push(...wanted);
      tell(`Confirm first that the recordings are yours. ${held.length.toLocaleString("en")} ${held.length === 1 ? "file waits" : "files wait"}.`);
      rights.focus();
      return;
    }
    tell(wanted.length ? "" : "There is no audio file in there. Drop WAV, FLAC, MP3, AIFF, OGG or M4A.");
    const added = wanted.map(add);
    settle();
    const [small, large] = [added.filter((one) => one.file.size <= limit), added.filter((one) => one.file.size > limit)];
    for (const fate of large) sending.refuse(fate, `The file is larger than ${form.dataset.limit} MB, the limit for one track.`);
    sending.enqueue(small);
  }

  form.querySelector("#rights-box")?.addEventListener("change", async (event) => {
    if (!event.target.checked) return;
    await ask(form.dataset.rights, { method: "POST" });
    const files = held;
    held = [];
    if (files.length) take(files, false);
  });

  for (const input of form.querySelectorAll("[data-pick]")) {
    input.addEventListener("change", () => {
      take([...input.files], input.webkitdirectory);
      input.value = "";
    });
  }

  // All files below a dropped folder. readEntries answers in portions and must be asked until it is empty.
  async function below(entry) {
    if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
    const reader = entry.createReader(), found = [];
    for (;;) {
      const portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!portion.length) return found;
      for (const one of portion) found.push(...(await below(one)));
    }
  }

  async function dropped(transfer) {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.length) return { files: [...transfer.files], folder: false };
    const files = [];
    for (const entry of entries) files.push(...(await below(entry)));
    return { files, folder: entries.some((entry) => entry.isDirectory) };
  }

  let inside = 0;
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => { if (carries(event)) { inside += 1; target.classList.add("over"); event.preventDefault(); } }, { signal });
  addEventListener("dragleave", (event) => { if (carries(event) && (inside -= 1) <= 0) { inside = 0; target.classList.remove("over"); } }, { signal });
  addEventListener("dragover", (event) => { if (carries(event)) event.preventDefault(); }, { signal });
  addEventListener("drop", async (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    inside = 0;
    target.classList.remove("over");
    try {
      const { files, folder } = await dropped(event.dataTransfer);
      take(files, folder);
    } catch {
      tell("The folder could not be read. Choose it with the button instead.");
    }
  }, { signal });
  hold(unsent);

  // --- analysis, live ---
  function follow(message) {
    const tableRow = document.querySelector(`[data-track="${CSS.escape(message.id)}"]`);
    const bar = tableRow?.querySelector("progress"), stage = tableRow?.querySelector("[data-stage]");
    if (bar) {
      bar.hidden = false;
      bar.value = message.progress;
    }
    if (stage && message.stage) stage.textContent = message.stage;
    const fate = byTrack.get(message.id);
    if (fate && fate.state === "analysing") {
      fate.progress = message.progress;
      if (message.status === "ready") {
        const figures = [message.bpm ? `${Math.round(message.bpm)} BPM` : "", message.key || ""].filter(Boolean).join(" · ");
        say(fate, "ready", "Analyzed", { mark: "good", notes: [figures, link(`/catalog/tracks/${message.id}/`, "Open")] });
      } else if (OVER.has(message.status)) {
        const notes = [message.error || "", button("Try Again", () => retryAnalysis(fate))];
        say(fate, "failed", message.status === "cancelled" ? "Cancelled" : "Failed", { mark: "bad", notes });
      } else move(fate, `${Math.round(100 * message.progress)}%`);
    }
    if (OVER.has(message.status) && (tableRow || fate)) refresh();
  }

  async function retryAnalysis(fate) {
    const { ok, data } = await ask(`/api/tracks/${fate.id}/retry/`, { method: "POST" });
    if (!ok) return say(fate, "failed", "Failed", { mark: "bad", notes: [sentence(data)] });
    fate.progress = 0;
    say(fate, "analysing", "Waiting");
  }

  // The list as it is now: soon while little is under way, now and then while a folder of thousands is.
  const MANY = 25, SOON = 700, SELDOM = 10_000;
  let waiting = 0, planned = null, drawn = 0;
  function refresh() {
    const pause = waiting > MANY ? Math.max(SOON, drawn + SELDOM - Date.now()) : SOON;
    planned ??= setTimeout(async () => {
      planned = null;
      if (signal.aborted) return;
      drawn = Date.now();
      await redraw(["counts", "under-way", "arrivals-words", "tracks"]).catch(() => {});  // the next change asks again
    }, pause);
  }

  // How far the whole is, in figures that cost the server little.
  async function progress() {
    const block = document.querySelector("#under-way");
    if (document.hidden || (!block.firstElementChild && !fates.length)) return;
    const { ok, data } = await ask(block.dataset.url);
    if (!ok || signal.aborted) return;
    waiting = data.waiting;
    const bar = block.querySelector("progress");
    if (!bar !== !data.waiting) {
      refresh();
      return;
    }
    if (!bar) return;
    bar.max = data.total;
    bar.value = data.analysed + data.failed;
    block.querySelector("[data-done]").textContent = data.done;
    block.querySelector("[data-left]").textContent = data.left;
  }
  every(3000, () => progress().catch(() => {}));

  // A very short analysis can begin and end between two looks of the relay: ask for what stays silent.
  const silent = () => [...byTrack].filter(([, fate]) => fate.state === "analysing").map(([id]) => id);
  async function look() {
    const inTable = [...document.querySelectorAll("[data-track] progress")].map((bar) => bar.closest("[data-track]").dataset.track);
    for (const id of [...new Set([...silent(), ...inTable])].slice(0, 6)) {
      const { ok, data } = await ask(`/api/tracks/${id}/`);
      if (signal.aborted) return;
      if (ok && OVER.has(data.status)) follow({ ...data, progress: 1, error: data.reason ?? "" });
    }
  }
  every(6000, () => look().catch(() => {}));

  listen("/ws/activity/", (message) => { if (message.type === "track") follow(message); }, refresh);
});
