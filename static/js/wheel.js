// The key: chosen on the wheel or by the radio buttons beside it; what mixes with it, and how much of the catalog that is.
import { page } from "./page.js";

page(import.meta.url, () => {
  const form = document.querySelector("#studio"), row = form.querySelector("[data-keys-of]");
  const wheel = row.querySelector("[data-wheel]"), words = row.querySelector("[data-key-words]"), mix = row.querySelector("[data-mix]");
  const tracks = Number(row.dataset.tracks);
  const radios = [...row.querySelectorAll("[name=key]")].filter((one) => one.value);
  const keys = new Map(radios.map((one) => [one.value, { camelot: one.dataset.camelot, count: Number(one.dataset.count) }]));
  const named = new Map([...keys].map(([name, { camelot }]) => [camelot, name]));
  let heard = row.dataset.now;   // the key that would be taken while none is chosen

  function near(name) {
    const { camelot } = keys.get(name), number = Number.parseInt(camelot, 10), letter = camelot.slice(-1);
    const wrap = (n) => ((n + 11) % 12) + 1;
    return [`${wrap(number - 1)}${letter}`, `${wrap(number + 1)}${letter}`, `${number}${letter === "A" ? "B" : "A"}`].map((one) => named.get(one));
  }

  const of = (count) => (tracks ? `${count.toLocaleString("en")} of ${tracks.toLocaleString("en")} track${tracks === 1 ? "" : "s"}` : "");

  function choose(name) {
    const radio = [...row.querySelectorAll("[name=key]")].find((one) => one.value === name);
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function button(name) {
    const one = document.createElement("button"), { camelot, count } = keys.get(name);
    one.type = "button";
    one.className = "plain";
    one.textContent = `${camelot} ${name}${count ? ` (${count.toLocaleString("en")})` : ""}`;
    one.addEventListener("click", () => choose(name));
    return one;
  }

  function centre(name) {
    const [tonic, mode] = wheel.querySelectorAll("[data-centre] text"), [first = "", second = ""] = name.split(" ");
    tonic.textContent = first.replace("b", "\u266d").replace("#", "\u266f");
    mode.textContent = second;
  }

  function draw() {
    const own = form.elements.key.value, name = keys.has(own || heard) ? own || heard : "";
    const mixing = name ? near(name) : [];
    for (const seg of wheel.querySelectorAll(".seg")) {
      const { key } = seg.dataset;
      seg.dataset.state = key === name ? (own ? "chosen" : "now") : mixing.includes(key) ? "mixes" : "";
      if (seg.dataset.state) seg.parentNode.append(seg);   // its frame lies over its neighbours'
    }
    centre(name);
    words.classList.toggle("own", Boolean(own));
    words.textContent = name ? `${name} \u00b7 ${keys.get(name).camelot}` : "As the material has it";
    mix.replaceChildren();
    if (!name) return;
    const together = [name, ...mixing].reduce((sum, one) => sum + keys.get(one).count, 0);
    mix.append("Compatible ", ...mixing.map(button));
    if (!tracks) return;
    const said = document.createElement("span");
    said.className = "mixed";
    said.textContent = `${of(keys.get(name).count)} in ${name}, ${of(together)} in it or in keys that mix`;
    mix.append(said);
  }

  wheel.addEventListener("click", (event) => {
    const key = event.target.closest(".seg")?.dataset.key;
    if (key) choose(form.elements.key.value === key ? "" : key);
  });
  row.addEventListener("change", draw);
  form.addEventListener("briefed", (event) => { heard = event.detail.key || ""; draw(); });
  draw();
});
