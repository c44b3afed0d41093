// Reference tracks: dropped or added from the catalog; the bars that count are chosen on the waveform, by its two
// handles, by a section's name or as figures. The figures are what is sent.
import { ask } from "./net.js";
import { page } from "./page.js";
import { start } from "./player.js";
import { clock, levels, wave } from "./wave.js";

const KIND = "application/x-starforge-track", SHOWN = 8, WAVE = 150, PHRASE = 4;
const SVG = "http://www.w3.org/2000/svg";
const known = new Map();   // tracks that were asked for, by id

async function told(id) {
  if (!known.has(id)) {
    const { ok, data } = await ask(`/api/tracks/${encodeURIComponent(id)}/`);
    if (!ok) return null;
    known.set(id, data);
  }
  return known.get(id);
}

// Where the bars of a track lie in it, in seconds.
function grid(track) {
  const { first_downbeat: first, beat_period: beat, energy_curve: curve, sections } = track.measured ?? {};
  const count = beat ? curve?.length ?? 0 : 0;
  return { count, at: (bar) => Math.min(track.duration, Math.max(0, (first ?? 0) + 4 * beat * bar)), sections: count ? sections ?? [] : [] };
}

class Place {
  constructor(box) {
    this.box = box;
    const one = (what) => box.querySelector(what);
    this.select = one(`select[name^=reference_]`);
    this.from = one("input[name^=from_]");
    this.to = one("input[name^=to_]");
    [this.range, this.wave, this.first, this.last] = ["[data-range]", "[data-ref-wave]", "[data-first]", "[data-last]"].map(one);
    [this.parts, this.says, this.listen] = ["[data-parts]", "[data-says]", "[data-listen]"].map(one);
    this.select.addEventListener("change", () => { this.from.value = this.to.value = ""; this.show(); });
    for (const field of [this.from, this.to]) field.addEventListener("input", () => this.draw());
    this.first.addEventListener("input", () => this.set(Math.min(this.first.value, this.last.value), Number(this.last.value)));
    this.last.addEventListener("input", () => this.set(Number(this.first.value), Math.max(this.first.value, this.last.value)));
    one("[data-clear]").addEventListener("click", () => { this.take(""); this.select.focus(); });
    this.listen.addEventListener("click", (event) => { event.stopPropagation(); this.hear(); });
    this.parts.addEventListener("click", (event) => {
      const { first, last } = event.target.closest("button")?.dataset ?? {};
      if (first) this.set(Number(first), Number(last));
    });
    this.wave.addEventListener("pointerdown", (event) => this.drag(event));
    this.show();
  }

  get free() { return !this.select.value; }

  // Bars as they count now, from 1; the last one sounds.
  get bars() {
    const count = this.grid.count, first = Math.min(count, Math.max(1, Number(this.from.value) || 1));
    return [first, Math.max(first, Math.min(count, Number(this.to.value) || count))];
  }

  take(id, words) {
    if (id && ![...this.select.options].some((one) => one.value === id)) this.select.add(new Option(words, id));
    this.select.value = id;
    this.select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  set(first, last) {
    const whole = first <= 1 && last >= this.grid.count;
    this.from.value = whole ? "" : first;
    this.to.value = whole ? "" : last;
    this.draw();
  }

  async show() {
    const id = this.select.value;
    this.box.classList.toggle("empty", !id);
    this.range.hidden = !id;
    this.grid = null;
    if (!id) return;
    const track = await told(id);
    if (!track || this.select.value !== id) return;
    this.track = track;
    this.grid = grid(track);
    const { count, sections } = this.grid;
    this.wave.replaceChildren(...(track.peaks?.length ? [wave(levels(track.peaks, WAVE), 64)] : []));
    this.box.querySelector(".ref-thumbs").hidden = this.parts.hidden = !count;
    Object.assign(this.listen.dataset, {
      play: track.audio, title: track.title, href: track.url, word: "Listen", seconds: track.duration,
      levels: levels(track.peaks ?? [], track.peaks?.length ? 120 : 0).map((one) => Math.round(100 * one)).join(","),
    });
    if (!count) { this.says.textContent = "No bars were found in this track: all of it is used."; return; }
    for (const [slider, word] of [[this.first, "First"], [this.last, "Last"]]) {
      slider.max = count;
      slider.setAttribute("aria-label", `${word} bar of ${track.title}`);
    }
    this.veil = this.wave.appendChild(document.createElementNS(SVG, "svg"));
    this.veil.setAttribute("class", "veil");
    for (const name of ["rect", "rect", "line", "line"]) this.veil.append(document.createElementNS(SVG, name));
    this.parts.replaceChildren(...[{ name: "All of it", first_bar: 0, bars: count }, ...sections].map((part) => {
      const item = document.createElement("li"), button = document.createElement("button");
      Object.assign(button, { type: "button", className: "plain", textContent: part.name[0].toUpperCase() + part.name.slice(1) });
      Object.assign(button.dataset, { first: part.first_bar + 1, last: Math.min(count, part.first_bar + part.bars) });
      button.setAttribute("aria-label", `${button.textContent}, bars ${button.dataset.first} to ${button.dataset.last}`);
      item.append(button);
      return item;
    }));
    this.draw();
  }

  draw() {
    if (!this.grid?.count) return;
    const [first, last] = this.bars, { count, at } = this.grid, whole = first === 1 && last === count;
    this.first.value = first;
    this.last.value = last;
    for (const [slider, bar, when] of [[this.first, first, at(first - 1)], [this.last, last, at(last)]]) {
      slider.setAttribute("aria-valuetext", `bar ${bar}, ${clock(when)}`);
    }
    const share = (seconds) => 100 * seconds / this.track.duration, left = whole ? 0 : share(at(first - 1)), right = whole ? 100 : share(at(last));
    const [before, after, ...edges] = this.veil.children;
    const set = (element, values) => Object.entries(values).forEach(([name, value]) => element.setAttribute(name, value));
    set(before, { x: 0, y: 0, width: `${left}%`, height: "100%" });
    set(after, { x: `${right}%`, y: 0, width: `${Math.max(0, 100 - right)}%`, height: "100%" });
    [left, right].forEach((x, i) => set(edges[i], { x1: `${x}%`, x2: `${x}%`, y1: 0, y2: "100%" }));
    for (const button of this.parts.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.first) === first && Number(button.dataset.last) === last));
    }
    const bars = last - first + 1;
    this.says.textContent = whole
      ? `All ${count} bars.`
      : `Bars ${first}–${last}: ${bars} bar${bars === 1 ? "" : "s"}, ${clock(at(first - 1))} to ${clock(at(last))}.${bars < PHRASE ? " Mosaic cuts phrases of about four bars: choose at least as many." : ""}`;
  }

  // A stretch drawn on the waveform.
  drag(event) {
    if (event.button || !this.grid?.count) return;
    const box = this.wave.getBoundingClientRect(), over = new AbortController(), { signal } = over, { at, count } = this.grid;
    const bar = (x) => {
      const seconds = this.track.duration * Math.max(0, Math.min(1, (x - box.left) / box.width));
      return Math.max(1, Math.min(count, Math.floor((seconds - at(0)) / (at(1) - at(0))) + 1));
    };
    const begun = bar(event.clientX);
    document.addEventListener("pointermove", (moved) => {
      const now = bar(moved.clientX);
      if (now !== begun) this.set(Math.min(begun, now), Math.max(begun, now));
    }, { signal });
    for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => over.abort(), { signal });
  }

  hear() {
    const playing = this.listen.getAttribute("aria-pressed") === "true";
    if (playing) document.querySelector("#player audio").pause();
    else start(this.listen, this.grid?.count ? this.grid.at(this.bars[0] - 1) : undefined);
  }
}

page(import.meta.url, () => {
  const section = document.querySelector("[data-references]"), shelf = section.querySelector("[data-shelf]");
  if (!shelf) return;   // nothing to choose from
  const places = [...section.querySelectorAll("[data-ref]")].map((box) => new Place(box));
  const find = shelf.querySelector("[type=search]"), list = shelf.querySelector("ul"), found = shelf.querySelector("[data-found]");
  const own = [...places[0].select.options].filter((one) => one.value).map((one) => ({ id: one.value, words: one.textContent }));

  function lay({ id, words }, place = places.find((one) => one.free)) {
    if (!place) { found.textContent = "Three references are the most. Remove one first."; return; }
    place.take(id, words);
    found.textContent = `${words.split(" · ")[0]} is reference ${place.box.dataset.ref}.`;
  }

  // --- the catalog beside ---
  function row(track) {
    const item = document.createElement("li"), [title, ...figures] = track.words.split(" · ");
    const name = Object.assign(document.createElement("span"), { textContent: title, title });
    const said = Object.assign(document.createElement("span"), { textContent: figures.join(" · "), className: "small num" });
    const add = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: "Add" });
    add.setAttribute("aria-label", `Add ${title} as a reference`);
    add.addEventListener("click", () => lay(track));
    item.draggable = true;
    item.addEventListener("dragstart", (event) => {
      event.dataTransfer.setData(KIND, JSON.stringify(track));
      event.dataTransfer.effectAllowed = "copy";
      item.classList.add("held");
    });
    item.addEventListener("dragend", () => item.classList.remove("held"));
    item.append(name, said, add);
    return item;
  }

  const words = (track) => [track.title, track.bpm ? Math.round(track.bpm) : "", track.camelot ?? ""].filter(Boolean).join(" · ");
  let asked = 0;
  async function look() {
    const wanted = find.value.trim(), mine = (asked += 1);
    let rows = own.filter((one) => one.words.toLowerCase().includes(wanted.toLowerCase())), all = rows.length;
    if (wanted && all < SHOWN) {   // the list holds the newest ones: the whole catalog is asked
      const { ok, data } = await ask(`/api/tracks/?search=${encodeURIComponent(wanted)}&status=ready`);
      if (mine !== asked) return;
      const more = ok ? data.results.filter((one) => one.status === "ready" && !rows.some((other) => other.id === one.id)) : [];
      rows = [...rows, ...more.map((one) => ({ id: one.id, words: words(one) }))];
      all = rows.length;
    }
    list.replaceChildren(...rows.slice(0, SHOWN).map(row));
    found.textContent = all > SHOWN ? `${SHOWN} of ${all.toLocaleString("en")} tracks. Write a part of a title to find others.` : wanted && !all ? "No track of yours is called so." : "";
  }
  let timer;
  find.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 200); });
  find.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) event.preventDefault(); });
  look();

  // --- dropped: on a place, or anywhere between them on the first free one ---
  const carries = (event) => event.dataTransfer?.types.includes(KIND);
  const target = (event) => places.find((one) => one.box === event.target.closest?.("[data-ref]"));
  const mark = (over) => places.forEach((one) => one.box.classList.toggle("over", one === over));
  section.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    mark(target(event) ?? places.find((one) => one.free));
  });
  section.addEventListener("dragleave", (event) => { if (!section.contains(event.relatedTarget)) mark(null); });
  section.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    mark(null);
    lay(JSON.parse(event.dataTransfer.getData(KIND)), target(event));
  });
});
