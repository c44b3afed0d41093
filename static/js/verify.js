// The verify page: drop a file, have it checked right here, read the verdict in place. What this browser cannot read is
// sent when its owner says so. Without this script the forms still work.

import { isZip, readBundle } from "./proof/bundle.js";
import { checkBundle, checkRecording, continuity, readTrust, seconded, supported } from "./proof/check.js";
import { Unreadable } from "./proof/container.js";
import { page } from "./page.js";

page(import.meta.url, ({ signal }) => {
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

  function element(name, className, ...inside) {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...inside);
    return made;
  }

  // What could not be checked. With `file`, the one way that is left: to send it.
  function problem(words, file = null) {
    const box = element("div", "outcome", element("h2", "state", element("span", "mark warn"), " Not checked"), element("p", "lead", words));
    if (file) box.append(element("p", "line", sender(file)));
    verdict.replaceChildren(box);
  }

  function sender(file) {
    const made = element("button", "btn", "Send It to Be Checked");
    made.type = "button";
    made.addEventListener("click", () => send(file));
    return made;
  }

  function arrive() {
    verdict.focus({ preventScroll: true });
    verdict.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  // --- a file, checked here ----------------------------------------------------------------------------------

  const form = document.querySelector("[data-verify]");
  const input = form.querySelector("#file");
  const button = form.querySelector("button");
  const LARGEST = 300 * MEGABYTE;   // beyond it a browser may run out of memory half way
  const STATES = { intact: ["Intact", "good"], altered: ["Altered", "bad"], revoked: ["Revoked", "bad"], no_credentials: ["No credentials", "warn"], not_checked: ["Not checked", "warn"] };
  const LABELS = { form: "Statement readable", signature: "Signature", identity: "Certificate", audio: "Audio", log: "Public log", continuity: "Log unbroken", timestamp: "Timestamp", anchor: "Blockchain", revocation: "Revocation", credentials: "Credentials", disclosure: "Disclosure" };
  const ORDER = ["revocation", "disclosure", "audio", "signature", "log", "continuity", "timestamp", "anchor", "identity", "form", "credentials"];
  const able = supported();
  let trust = null;
  let running = null;
  let latest = 0;   // a later file wins over an earlier one that is still being read

  signal.addEventListener("abort", () => { latest += 1; running?.abort(); });
  able.then((yes) => { if (yes) input.accept += ",.zip"; });
  able.then((yes) => form.querySelectorAll("[data-local]").forEach((one) => { one.hidden = (one.dataset.local === "yes") !== yes; }));

  const SERVED = {
    checkpoint: async () => (await fetch(form.dataset.checkpoint, { cache: "no-store" })).text(),
    consistency: async (first, second) => (await (await fetch(`${form.dataset.consistency}?first=${first}&second=${second}`)).json()).hashes,
  };

  async function bring({ kind, sha256 }) {
    const answer = await fetch(`${form.dataset.byAudio}?kind=${kind}&sha256=${sha256}`, { credentials: "omit" });
    if (!answer.ok) return null;
    const found = await answer.json();
    return { certificateId: found.id, envelope: found.envelope, proof: found.log.proof };
  }

  const bytesOf = async (file) => new Uint8Array(await file.arrayBuffer());

  // A file carries its stamp; who else bears witness lies in the bundle. This site is asked for the one it names.
  async function witnessed(found, own) {
    if (own || found.state !== "intact") return found;
    try {
      const answer = await fetch(form.dataset.bundle.replace("cert_0000", encodeURIComponent(found.claim.id)), { credentials: "omit" });
      if (!answer.ok) return found;
      const bundle = await readBundle(new Uint8Array(await answer.arrayBuffer()));
      const more = await seconded(found, bundle, trust, "");
      return { ...found, ...more, sentence: more.state === "intact" ? found.sentence : more.sentence };
    } catch { return found; }
  }

  async function check(file) {
    const turn = latest += 1;
    running?.abort();
    running = null;
    if (file.size > LARGEST || !(await able)) return send(file);
    verdict.replaceChildren();
    sending.hidden = false;
    bar.hidden = true;
    stage.textContent = `Reading ${file.name} in this browser`;
    try {
      trust ??= await readTrust(await (await fetch(form.dataset.trust)).json());
      const [given, own] = ["disclosure", "bundle"].map((name) => form.elements[name].files[0]);
      const shown = given ? JSON.parse(await given.text()) : null;
      const bytes = await bytesOf(file);
      const bundle = own ? await readBundle(await bytesOf(own)) : null;
      const found = isZip(bytes) ? await checkBundle(await readBundle(bytes), trust, { shown })
        : await witnessed(await checkRecording(bytes, trust, { shown, bring, bundle }), bundle);
      if (found.state === "intact" && found.entry) {
        const whole = await continuity(found.entry, trust, SERVED);
        if (whole) found.checks.push(whole);
        else found.unchecked.push("Whether the log still continues this one: it could not be asked.");
        if (whole?.ok === false) Object.assign(found, { state: "altered", sentence: `This stamp does not hold. ${whole.sentence}` });
      }
      if (turn === latest) tell(file, found);
    } catch (error) {
      if (turn !== latest) return;
      if (error instanceof Unreadable) problem(error.message, file);
      else if (error instanceof SyntaxError) problem("The disclosure is not a file that can be read.");
      else problem("This browser could not check the file. It can be sent to be checked.", file);
    }
    if (turn !== latest) return;
    sending.hidden = true;
    bar.hidden = false;
    arrive();
  }

  function tell(file, found) {
    const [word, mark] = STATES[found.state];
    const box = element("div", "outcome",
      element("h2", "state", element("span", `mark ${mark}`), ` ${word} `, element("span", "quiet", file.name)),
      element("p", "lead", found.sentence));
    const actions = element("p", "line");
    if (found.claim) {
      const open = element("a", "btn full", found.state === "intact" ? "Open Certificate" : "Open the Certificate It Names");
      open.href = form.dataset.certificate.replace("cert_0000", encodeURIComponent(found.claim.id));
      actions.append(open);
    }
    if (["no_credentials", "not_checked"].includes(found.state) || (found.state === "intact" && found.manifest)) actions.append(sender(file));
    if (found.state === "no_credentials") box.append(element("p", "", "A copy that was coded, cut or turned down may still be recognised by its sound. For that it has to be sent; it is read once and removed."));
    if (actions.childNodes.length) box.append(actions);
    const rows = element("div", "checked");
    for (const one of [...found.checks].sort((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name))) {
      const [kind, said] = { true: ["good", "Holds"], false: ["bad", "Fails"], null: ["warn", "Note"] }[one.ok];
      const row = element("div", "tick", element("span", `mark ${kind}`), element("h3", "", LABELS[one.name]), element("span", "small", said), element("p", "small", one.sentence));
      row.id = `check-${one.name}`;
      rows.append(row);
    }
    for (const [name, value] of Object.entries(found.opened)) {
      rows.append(element("div", "tick", element("span", "mark good"), element("h3", "", name[0].toUpperCase() + name.slice(1)), element("span", "small", "Opened"), element("p", "small", String(value))));
    }
    box.append(rows);
    if (found.unchecked.length) box.append(element("p", "small where", `Not checked here. ${found.unchecked.join(" ")}`));
    box.append(element("p", "small where", "Checked in this browser. The file was not uploaded. Content Credentials (C2PA) are not judged here"
      + `${found.manifest ? ": this file was issued with them, and whether they still hold is told when it is sent" : ""}.`));
    verdict.replaceChildren(box);
  }

  // --- a file, sent ------------------------------------------------------------------------------------------

  function send(file) {
    latest += 1;
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
    bar.hidden = false;
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
      arrive();
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
  }, { signal });
  document.addEventListener("dragover", (event) => { if (carriesFile(event)) event.preventDefault(); }, { signal });
  document.addEventListener("dragleave", (event) => {
    if (!carriesFile(event)) return;
    depth = Math.max(0, depth - 1);
    if (!depth) form.classList.remove("over");
  }, { signal });
  document.addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    depth = 0;
    form.classList.remove("over");
    if (event.dataTransfer.files.length) check(event.dataTransfer.files[0]);
  }, { signal });

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
});
