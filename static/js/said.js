// What is said of a take is kept as it is said: the word "Saved" beside it says that it was.
import { ask, csrf, sentence } from "./net.js";
import { page } from "./page.js";

const waiting = new WeakMap(), pending = new Map();
const WAIT = 700;  // ms after the last letter

const say = (form, words) => { form.querySelector("[data-state]").textContent = words; };

function value(form, name) {
  const fields = new FormData(form);
  if (name === "favourite") return fields.has(name);
  if (name === "rating") return fields.get(name) ? Number(fields.get(name)) : null;
  if (name === "tags") return fields.get(name).split(/[,;]/);
  return fields.get(name);
}

const bodyOf = (form, names) => Object.fromEntries([...names].map((name) => [name, value(form, name)]));

async function save(form) {
  const names = pending.get(form);
  if (!names?.size) return;
  if (names.has("title") && !value(form, "title").trim()) {
    say(form, "A take needs a title.");
    return;
  }
  const body = bodyOf(form, names);
  pending.delete(form);
  say(form, "Saving");
  try {
    const { ok, data } = await ask(form.dataset.said, { method: "PATCH", body });
    if (ok) {
      say(form, pending.get(form)?.size ? "" : "Saved");  // not while something is still to be sent
      heard(form, data, body);
      return;
    }
    const field = data?.errors ? Object.values(data.errors).flat(3).find((one) => typeof one === "string") : "";
    say(form, `Not saved. ${field || sentence(data)}`);
  } catch {
    say(form, `Not saved. ${sentence(null)}`);
  }
  // What was not taken is sent again with the next change.
  const again = pending.get(form) ?? new Set();
  for (const name of Object.keys(body)) again.add(name);
  pending.set(form, again);
}

// Tags as they are kept, once nobody types in them; the title where it stands above.
function heard(form, data, body) {
  const tags = form.querySelector("[name=tags]");
  if ("tags" in body && document.activeElement !== tags && !pending.get(form)?.has("tags")) tags.value = data.tags.join(", ");
  const title = form.closest(".take")?.querySelector("h2");
  if ("title" in body && title) {
    title.textContent = data.title;
    title.classList.remove("away");
  }
}

function changed(event, soon) {
  const form = event.target.closest?.("form[data-said]");
  if (!form || !event.target.name) return;
  pending.set(form, (pending.get(form) ?? new Set()).add(event.target.name));
  clearTimeout(waiting.get(form));
  if (soon) save(form);
  else {
    say(form, "");
    waiting.set(form, setTimeout(() => save(form), WAIT));
  }
}

page(import.meta.url, ({ signal }) => {
  document.addEventListener("input", (event) => { if (!event.target.matches("[type=checkbox], [type=radio]")) changed(event, false); }, { signal });
  document.addEventListener("change", (event) => changed(event, true), { signal });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-said]");
    if (!form) return;
    event.preventDefault();
    save(form);
  }, { signal });

  // Somebody who leaves in mid-sentence loses nothing.
  const atLast = () => {
    for (const [form, names] of pending) {
      const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf() };
      const body = JSON.stringify(bodyOf(form, names));
      fetch(form.dataset.said, { method: "PATCH", headers, body, credentials: "same-origin", keepalive: true });
    }
    pending.clear();
  };
  addEventListener("pagehide", atLast, { signal });
  signal.addEventListener("abort", atLast);
});
