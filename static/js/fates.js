// What becomes of each file of an upload: a row for each while they are few; with thousands only what is being
// sent and what failed has a row, the rest is counted.
const LISTED = 60, FAILURES = 200;
const DONE = new Set(["ready", "there", "failed"]);

const place = (name) => document.querySelector(name);

export const fates = [];   // { file, name, state: waiting|sending|analysing|ready|there|failed, row, words, sent, progress }
export const left = [];    // names of files that were left aside
const many = () => fates.length > LISTED;

// The library's page has come: what was told on an earlier one is over.
export function begin() {
  fates.length = left.length = 0;
  failures.clear();
}

export function add(file) {
  const fate = { file, name: file.webkitRelativePath || file.name, state: "waiting", row: null, words: "Waiting" };
  fates.push(fate);
  return fate;
}

function build(fate) {
  const item = document.createElement("li");
  item.className = "fate";
  const part = (tag, kind) => {
    const element = document.createElement(tag);
    element.className = kind;
    item.append(element);
    return element;
  };
  const label = part("span", "name");
  label.textContent = label.title = fate.name;
  const bar = part("progress", "hair");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", fate.name);
  const word = part("span", "fortune"), note = part("span", "small note");
  place("[data-fates]").append(item);
  return { item, bar, word, note };
}

const shown = (fate) => !many() || fate.state === "sending" || (fate.state === "failed" && failures.size <= FAILURES);
const failures = new Set();

// Say where a file is: `words` in its row, a `mark` before them, `notes` (texts, links, buttons) below.
export function say(fate, state, words, { mark = "", notes = [] } = {}) {
  Object.assign(fate, { state, words });
  if (state === "failed") failures.add(fate);
  else failures.delete(fate);
  if (!shown(fate)) {
    fate.row?.item.remove();
    fate.row = null;
  } else {
    fate.row ??= build(fate);
    const square = document.createElement("span");
    square.className = `mark ${mark}`;
    fate.row.word.replaceChildren(...(mark ? [square] : []), words);
    fate.row.note.replaceChildren(...notes.flatMap((one) => [one, " "]));
    fate.row.bar.hidden = DONE.has(state);
  }
  summarize();
}

// How far a file is, without a change of what it says but in `words`.
export function move(fate, words) {
  fate.words = words;
  if (fate.row) {
    fate.row.word.textContent = words;
    fate.row.bar.value = share(fate);
  }
  summarize();
}

// After many files were added at once: rows for the few, none for the many.
export function settle() {
  for (const fate of fates) {
    if (shown(fate)) {
      if (!fate.row) {
        fate.row = build(fate);
        fate.row.word.textContent = fate.words;
      }
    } else if (fate.row) {
      fate.row.item.remove();
      fate.row = null;
    }
  }
  summarize();
}

const share = (fate) => (DONE.has(fate.state) ? 1 : 0.3 * (fate.sent || 0) + 0.7 * (fate.progress || 0));

let planned = 0, told = 0;
function summarize() {
  planned ||= setTimeout(() => {
    planned = 0;
    write();
  }, 100);
}

function write() {
  const head = place(".fates-head"), whole = place("[data-whole]"), more = place("[data-more]");
  if (!head) return;   // the page was left
  const count = { waiting: 0, sending: 0, analysing: 0, ready: 0, there: 0, failed: 0 };
  let sum = 0;
  for (const fate of fates) {
    count[fate.state] += 1;
    sum += share(fate);
  }
  const say = (number) => number.toLocaleString("en");
  const done = count.ready + count.there + count.failed;
  const words = [`${say(done)} of ${say(fates.length)} done`];
  if (many()) words.push(`${say(count.waiting + count.sending)} to send`, `${say(count.analysing)} being analyzed`);
  if (count.there) words.push(`${say(count.there)} already there`);
  if (count.failed) words.push(`${say(count.failed)} failed`);
  if (left.length) words.push(`${say(left.length)} left aside: not audio by name`);
  place("[data-summary]").textContent = words.join(" · ");
  head.hidden = whole.hidden = fates.length === 0;
  whole.value = sum / Math.max(1, fates.length);
  const hidden = count.failed - FAILURES;
  more.hidden = !many();
  more.textContent =
    "Only what is being sent and what failed is listed. Keep this page open until everything is sent; if it closes, " +
    "drop the same folder again: what arrived is recognized and not stored twice." +
    (hidden > 0 ? ` ${say(hidden)} more failures are not listed here; State: Failed shows those that were taken in.` : "");
  const now = Date.now();
  if (fates.length && (done === fates.length || now - told >= 5000)) {
    told = now;
    place("[data-live]").textContent = done === fates.length
      ? `All ${say(fates.length)} files are done. ${say(count.ready)} analyzed${count.failed ? `, ${say(count.failed)} failed` : ""}.`
      : `${say(done)} of ${say(fates.length)} files done.`;
  }
}
