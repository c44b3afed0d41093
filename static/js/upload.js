// Sending files: three at a time, patient with a lost connection, without sending what the library has already.
import { LOGGED_OUT, ask, csrf, sentence } from "./net.js";
import { fates, move, say } from "./fates.js";

const AT_ONCE = 3, TRIES = 3, LONGEST_PAUSE = 30, HASHED = 64 * 2 ** 20;
const queue = [];
let workers = 0, halted = false, open = null;

export function link(url, words) {
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.textContent = words;
  return anchor;
}

export function button(words, what) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "plain";
  made.textContent = words;
  made.addEventListener("click", () => { made.remove(); what(); });
  return made;
}

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

// { url, known: whether the library may hold some of it, taken(fate, id), stopped(words, goOn), idle() }
export function sender(options) {
  function enqueue(list) {
    queue.push(...list);
    for (; workers < AT_ONCE && queue.length > 0; ) work();
  }

  async function work() {
    workers += 1;
    for (let fate; !halted && (fate = queue.shift()); ) await one(fate);
    workers -= 1;
    if (!workers && !queue.length) options.idle();
  }

  async function one(fate) {
    fate.sent = 0;
    say(fate, "sending", "Sending");
    const there = await known(fate.file);
    if (there) return finished(fate, 409, there);
    const { status, data, wait } = await send(fate);
    if (status === 429 || status === 503) {
      say(fate, "waiting", "Waiting");
      queue.unshift(fate);
      await pause(wait || 5);
    } else if (status === 0) {
      say(fate, "waiting", "Connection lost");
      // The server is there all the same: then it is this file it does not take.
      if (await reachable()) fate.tries = (fate.tries || 0) + 1;
      if (fate.tries >= TRIES) finished(fate, 0, null);
      else queue.unshift(fate);
    } else if (status === 401) {
      say(fate, "waiting", "Waiting");
      queue.unshift(fate);
      halted = true;
      options.stopped(LOGGED_OUT, () => { halted = false; enqueue([]); });
    } else finished(fate, status, data);
  }

  // The track this very file is in the library, by its hash. Reading is faster than sending it in vain.
  async function known(file) {
    if (!options.known || !globalThis.crypto?.subtle || file.size > HASHED) return null;
    try {
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
      const hex = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      const { ok, data } = await ask(`${options.url}?sha256=${hex}&page_size=1`);
      const [track] = ok ? data.results : [];
      return track ? { id: track.id, detail: `This file is already in your library as “${track.title}”.` } : null;
    } catch {
      return null;  // unreadable, or nobody answers: sending says so
    }
  }

  function send(fate) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      // With its folders: they can tell which entry of a collection the file is.
      request.open("PUT", `${options.url}?filename=${encodeURIComponent(fate.name)}`);
      request.setRequestHeader("X-CSRFToken", csrf());
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.addEventListener("progress", (event) => {
        if (!event.lengthComputable) return;
        fate.sent = event.loaded / event.total;
        move(fate, `Sending ${Math.round(100 * fate.sent)}%`);
      });
      request.addEventListener("loadend", () => {
        let data = null;
        try { data = JSON.parse(request.responseText); } catch { /* not JSON: the sentence says enough */ }
        resolve({ status: request.status, data, wait: Number(request.getResponseHeader("Retry-After")) });
      });
      request.send(fate.file);
    });
  }

  // Waits until the server answers; whether it did at once. One asks for all.
  function reachable() {
    open ??= (async () => {
      let asked = 0;
      for (let seconds = 1; ; seconds = Math.min(2 * seconds, LONGEST_PAUSE)) {
        asked += 1;
        try {
          if ((await ask(`${options.url}?page_size=1`)).status < 500) break;
        } catch { /* still away */ }
        await pause(seconds);
      }
      open = null;
      return asked === 1;
    })();
    return open;
  }

  function finished(fate, status, data) {
    if (status === 201) {
      fate.sent = 1;
      say(fate, "analysing", "Waiting");
      move(fate, "Waiting");
      options.taken(fate, data.id);
    } else if (status === 409 && data?.id) {
      say(fate, "there", "Already there", { notes: [sentence(data), link(`/catalog/tracks/${data.id}/`, "Open")] });
    } else {
      const notes = [sentence(data, status === 0 ? undefined : "The server answered with an error. Try this file again.")];
      if (status === 0 || status >= 500 || status === 403) {
        notes.push(button("Send Again", () => { fate.tries = 0; say(fate, "waiting", "Waiting"); enqueue([fate]); }));
      }
      say(fate, "failed", status === 0 ? "Not sent" : "Refused", { mark: "bad", notes });
    }
  }

  return { enqueue, refuse: (fate, detail) => finished(fate, 413, { detail }) };
}

export const unsent = () => fates.some((one) => one.state === "waiting" || one.state === "sending");
