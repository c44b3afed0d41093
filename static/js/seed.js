// The seed of a request: held, one further, or a new one each time. The field alone is what is sent.
import { page } from "./page.js";

const END = 2n ** 64n;
const SAYS = {
  locked: "Locked. The same request makes the same take while your catalog stays as it is.",
  varies: "Varies: every request draws a new one.",
};

const drawn = () => String(crypto.getRandomValues(new BigUint64Array(1))[0] >> 1n);

// Numbers count on, words get a number: 41 → 42, night drive → night drive 2.
function following(seed) {
  const number = /^\d{1,20}$/.test(seed) ? BigInt(seed) : END;
  if (number < END) return String((number + 1n) % END);
  const [, words, count] = /^(.*?)(?:\s+(\d{1,9}))?$/.exec(seed);
  return `${words} ${Number(count || 1) + 1}`;
}

page(import.meta.url, () => {
  const form = document.querySelector("#studio"), field = form.querySelector("#seed"), says = form.querySelector("#seed-says");
  const last = () => form.dataset.seed || drawn();   // of the request before this one

  function show() {
    const locked = field.value.trim() !== "";
    form.querySelector("[data-seed-do=lock]").setAttribute("aria-pressed", String(locked));
    form.querySelector("[data-seed-do=vary]").setAttribute("aria-pressed", String(!locked));
    says.textContent = locked ? SAYS.locked : SAYS.varies;
  }

  const deeds = {
    lock: (now) => now || last(),
    next: (now) => following(now || last()),
    vary: () => "",
  };
  form.addEventListener("click", (event) => {
    const deed = deeds[event.target.closest("[data-seed-do]")?.dataset.seedDo];
    if (!deed) return;
    field.value = deed(field.value.trim());
    show();
  });
  field.addEventListener("input", show);
  show();
});
