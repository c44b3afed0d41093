// The library: files come in one by one, each with its own fate; analysis is followed live.
import { LOGGED_OUT, ask, csrf, listen, redraw, sentence } from "./net.js";

const AUDIO = /\.(wav|wave|flac|mp3|aiff?|aifc|ogg|oga|opus|m4a|mp4|aac)$/i;
const OVER = new Set(["ready", "failed", "cancelled"]);
const form = document.querySelector("#drop");
const list = document.querySelector("[data-fates]");
const head = document.querySelector(".fates-head");
const whole = document.querySelector("[data-whole]");
const live = document.querySelector("[data-live]");
const said = form.querySelector("[data-said]");
const target = form.querySelector(".target");
const limit = Number(form.dataset.limit) * 2 ** 20;

form.classList.add("live");
target.hidden = false;

const fates = [];          // { file, row, state: waiting|sending|analysing|ready|there|failed, id }
const byTrack = new Map();
let sending = false, left = [];

// --- one row for each file ---
function row(name) {
  const item = document.createElement("li");
  item.className = "fate";
  const part = (tag, kind) => {
    const element = document.createElement(tag);
    element.className = kind;
    item.append(element);
    return element;
  };
  const label = part("span", "name");
  label.textContent = name;
  label.title = name;
  const bar = part("progress", "hair");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", name);
  const word = part("span", "fortune"), note = part("span", "small note");
  list.append(item);
  return { item, bar, word, note };
}

function mark(fate, kind, words) {
  const square = document.createElement("span");
  square.className = `mark ${kind}`;
  fate.row.word.replaceChildren(square, words);
}

function link(url, words) {
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.textContent = words;
  return anchor;
}

function again(fate, words, what) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = words;
  button.addEventListener("click", () => { button.remove(); what(fate); });
  fate.row.note.append(" ", button);
}

function summary() {
  const done = fates.filter((one) => ["ready", "there", "failed"].includes(one.state)).length;
  const ready = fates.filter((one) => one.state === "ready").length;
  const failed = fates.filter((one) => one.state === "failed").length;
  const words = [`${done} of ${fates.length} done`];
  if (failed) words.push(`${failed} failed`);
  if (left.length) words.push(`${left.length} left aside: not audio by name`);
  document.querySelector("[data-summary]").textContent = words.join(" · ");
  head.hidden = whole.hidden = fates.length === 0;
  whole.value = fates.reduce((sum, one) => sum + part(one), 0) / Math.max(1, fates.length);
  return { done, ready, failed };
}

const part = (fate) =>
  ["ready", "there", "failed"].includes(fate.state) ? 1 : 0.3 * (fate.sent || 0) + 0.7 * (fate.progress || 0);

let told = 0;
function announce() {
  for (const one of fates) one.row.bar.hidden = ["ready", "there", "failed"].includes(one.state);
  const { done, ready, failed } = summary();
  const now = Date.now();
  if (done < fates.length && now - told < 5000) return;
  told = now;
  live.textContent = done === fates.length
    ? `All ${fates.length} files are done. ${ready} analyzed${failed ? `, ${failed} failed` : ""}.`
    : `${done} of ${fates.length} files done.`;
}

// --- sending ---
function send(fate) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("PUT", `${form.dataset.url}?filename=${encodeURIComponent(fate.file.name)}`);
    request.setRequestHeader("X-CSRFToken", csrf());
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      fate.sent = event.loaded / event.total;
      fate.row.bar.value = 0.3 * fate.sent;
      fate.row.word.textContent = `Sending ${Math.round(100 * fate.sent)}%`;
      summary();
    });
    request.addEventListener("loadend", () => {
      let data = null;
      try { data = JSON.parse(request.responseText); } catch { /* not JSON: the sentence below says enough */ }
      settle(fate, request.status, data);
      resolve();
    });
    fate.state = "sending";
    request.send(fate.file);
  });
}

function settle(fate, status, data) {
  fate.row.note.textContent = "";
  if (status === 201) {
    fate.state = "analysing";
    fate.id = data.id;
    fate.sent = 1;
    byTrack.set(data.id, fate);
    fate.row.word.textContent = "Waiting";
    fate.row.bar.value = 0.3;
  } else if (status === 409 && data?.id) {
    fate.state = "there";
    fate.row.bar.value = 1;
    fate.row.word.textContent = "Already there";
    fate.row.note.append(sentence(data), " ", link(`/catalog/tracks/${data.id}/`, "Open"));
  } else {
    if (status === 401) data = { detail: LOGGED_OUT };
    fate.state = "failed";
    fate.row.bar.value = 0;
    mark(fate, "bad", status === 0 ? "Not sent" : "Refused");
    fate.row.note.append(sentence(data, status === 0 ? undefined : "The server answered with an error. Try this file again."));
    if (status === 0 || status >= 500 || [401, 403, 429].includes(status)) again(fate, "Send Again", retrySend);
  }
  announce();
}

function retrySend(fate) {
  fate.state = "waiting";
  fate.row.note.textContent = "";
  fate.row.word.textContent = "Waiting";
  work();
}

async function work() {
  if (sending) return;
  sending = true;
  for (let next; (next = fates.find((one) => one.state === "waiting")); ) await send(next);
  sending = false;
  refresh();
}

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
    tell(`Confirm first that the recordings are yours. ${held.length} ${held.length === 1 ? "file waits" : "files wait"}.`);
    rights.focus();
    return;
  }
  tell(wanted.length ? "" : "There is no audio file in there. Drop WAV, FLAC, MP3, AIFF, OGG or M4A.");
  for (const file of wanted) {
    const fate = { file, row: row(file.webkitRelativePath || file.name), state: "waiting" };
    fates.push(fate);
    fate.row.word.textContent = "Waiting";
    if (file.size > limit) settle(fate, 413, { detail: `The file is larger than ${form.dataset.limit} MB, the limit for one track.` });
  }
  announce();
  work();
}

function tell(words) {
  said.textContent = words;
  said.hidden = !words;
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
addEventListener("dragenter", (event) => { if (carries(event)) { inside += 1; target.classList.add("over"); event.preventDefault(); } });
addEventListener("dragleave", (event) => { if (carries(event) && (inside -= 1) <= 0) { inside = 0; target.classList.remove("over"); } });
addEventListener("dragover", (event) => { if (carries(event)) event.preventDefault(); });
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
});
addEventListener("beforeunload", (event) => {
  if (fates.some((one) => ["waiting", "sending"].includes(one.state))) event.preventDefault();
});

// --- analysis, live ---
function follow(message) {
  const tableRow = document.querySelector(`[data-track="${CSS.escape(message.id)}"]`);
  const bar = tableRow?.querySelector("progress"), stage = tableRow?.querySelector("[data-stage]");
  if (bar) bar.value = message.progress;
  if (stage && message.stage) stage.textContent = message.stage;
  const fate = byTrack.get(message.id);
  if (fate && fate.state === "analysing") {
    fate.progress = message.progress;
    fate.row.bar.value = 0.3 + 0.7 * message.progress;
    if (message.status === "ready") {
      fate.state = "ready";
      mark(fate, "good", "Analyzed");
      const figures = [message.bpm ? `${Math.round(message.bpm)} BPM` : "", message.key || ""].filter(Boolean).join(" · ");
      fate.row.note.replaceChildren(figures, figures ? " " : "", link(`/catalog/tracks/${message.id}/`, "Open"));
    } else if (OVER.has(message.status)) {
      fate.state = "failed";
      mark(fate, "bad", "Failed");
      fate.row.note.textContent = message.error || "";
      again(fate, "Try Again", retryAnalysis);
    } else fate.row.word.textContent = `${Math.round(100 * message.progress)}%`;
    announce();
  }
  if (OVER.has(message.status) && (tableRow || fate)) refresh();
}

async function retryAnalysis(fate) {
  const { ok, data } = await ask(`/api/tracks/${fate.id}/retry/`, { method: "POST" });
  fate.row.note.textContent = ok ? "" : sentence(data);
  if (!ok) return;
  fate.state = "analysing";
  fate.progress = 0;
  fate.row.word.textContent = "Waiting";
}

let planned = null;
function refresh() {
  planned ??= setTimeout(async () => {
    planned = null;
    await redraw(["counts", "arrivals-words", "tracks"]);
  }, 700);
}

// A very short analysis can begin and end between two looks of the relay: ask for what stays silent.
const waiting = () => [...byTrack].filter(([, fate]) => fate.state === "analysing").map(([id]) => id);
async function look() {
  const inTable = [...document.querySelectorAll("[data-track] progress")].map((bar) => bar.closest("[data-track]").dataset.track);
  for (const id of [...new Set([...waiting(), ...inTable])].slice(0, 6)) {
    const { ok, data } = await ask(`/api/tracks/${id}/`);
    if (ok && OVER.has(data.status)) follow({ ...data, progress: 1, key: data.key?.name ?? data.key ?? "", error: data.error ?? "" });
  }
}
setInterval(() => { if (!document.hidden) look(); }, 6000);

listen("/ws/activity/", (message) => { if (message.type === "track") follow(message); }, refresh);
