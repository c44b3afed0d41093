// The verify page: drop a file, see it sent, read the verdict in place. Without this script the forms still work.

const OWN = { "X-Requested-With": "verify.js" };
const MEGABYTE = 1048576;
const verdict = document.querySelector("#verdict");
const sending = document.querySelector("[data-sending]");
const stage = document.querySelector("[data-stage]");
const bar = sending.querySelector("progress");

function show(html) {
  verdict.innerHTML = html;   // our own server's template; every foreign word in it is escaped there
  verdict.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = false; });
}

function problem(words) {
  const box = document.createElement("div");
  box.className = "outcome";
  const state = document.createElement("h2");
  state.className = "state";
  state.textContent = "Not checked";
  const line = document.createElement("p");
  line.className = "lead";
  line.textContent = words;
  box.append(state, line);
  verdict.replaceChildren(box);
}

// --- a file ------------------------------------------------------------------------------------------------

const form = document.querySelector("[data-verify]");
const input = form.querySelector("input[type=file]");
const button = form.querySelector("button");
let running = null;

function check(file) {
  running?.abort();
  const data = new FormData();
  data.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  data.append("file", file);
  const shown = form.elements.disclosure.files[0];
  if (shown) data.append("disclosure", shown);
  const request = new XMLHttpRequest();   // fetch cannot report upload progress
  running = request;
  request.open("POST", form.action);
  request.setRequestHeader("X-Requested-With", OWN["X-Requested-With"]);
  verdict.replaceChildren();
  sending.hidden = false;
  button.disabled = true;
  bar.value = 0;
  stage.textContent = `Sending ${file.name}`;
  let said = -1;
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    bar.value = event.loaded / event.total;
    const tenth = Math.floor((event.loaded / event.total) * 10);
    if (tenth !== said && tenth < 10) {   // a screen reader hears ten steps, not a thousand
      said = tenth;
      stage.textContent = `Sending ${file.name}, ${tenth * 10}% of ${(event.total / MEGABYTE).toFixed(1)} MB`;
    }
  });
  request.upload.addEventListener("load", () => {
    bar.value = 1;
    stage.textContent = "Reading the audio and checking the signature and the log";
  });
  const ended = () => {
    if (running !== request) return;
    running = null;
    sending.hidden = true;
    button.disabled = false;
  };
  request.addEventListener("load", () => {
    ended();
    if ((request.getResponseHeader("Content-Type") || "").startsWith("text/html") && request.responseText.includes("outcome")) {
      show(request.responseText);
    } else {
      problem(request.status === 403 ? "This page is too old. Load it again, then drop the file once more." : "The check did not finish. Try again.");
    }
    verdict.focus({ preventScroll: true });
    verdict.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  });
  request.addEventListener("error", () => { ended(); problem("The connection broke while sending. Try again."); });
  request.send(data);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (input.files.length) check(input.files[0]);
});
input.addEventListener("change", () => { if (input.files.length) check(input.files[0]); });

form.querySelector(".can-drop").hidden = false;
let depth = 0;
const carriesFile = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragenter", (event) => {
  if (!carriesFile(event)) return;
  event.preventDefault();
  depth += 1;
  form.classList.add("over");
});
document.addEventListener("dragover", (event) => { if (carriesFile(event)) event.preventDefault(); });
document.addEventListener("dragleave", (event) => {
  if (!carriesFile(event)) return;
  depth = Math.max(0, depth - 1);
  if (!depth) form.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  if (!carriesFile(event)) return;
  event.preventDefault();
  depth = 0;
  form.classList.remove("over");
  if (event.dataTransfer.files.length) check(event.dataTransfer.files[0]);
});

// --- an id -------------------------------------------------------------------------------------------------

const lookup = document.querySelector("[data-lookup]");
const field = lookup.querySelector("input");
let asked = null;
let waiting = 0;

async function look(id) {
  asked?.abort();
  asked = new AbortController();
  try {
    const answer = await fetch(`${lookup.action}?id=${encodeURIComponent(id)}`, { headers: OWN, signal: asked.signal });
    show(await answer.text());
  } catch (error) {
    if (error.name !== "AbortError") problem("The certificate could not be looked up. Try again.");
  }
}

field.addEventListener("input", () => {
  clearTimeout(waiting);
  const found = field.value.match(/cert_[0-9a-z]{16}/);
  if (found) waiting = setTimeout(() => look(found[0]), 200);
});
lookup.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(waiting);
  if (field.value.trim()) look(field.value.trim());
});
