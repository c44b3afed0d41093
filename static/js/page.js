// What lives as long as one page of the shell does. A page's module begins when its page arrives, also a second time:
//   page(import.meta.url, ({ signal, every }) => { … });
// `signal` is aborted when the page is left: give it to every listener on something that stays (document, window).
// Sockets opened with listen() of net.js close of themselves.
const setups = new Map(), always = [], holds = new Set();
let life = new AbortController(), wanted = null;

const begin = (setup) => setup({ signal: life.signal, every });

export const now = () => life.signal;

// What a page's own module does each time its page is there.
export function page(address, setup) {
  setups.set(address, setup);
  if (!wanted || wanted.has(address)) begin(setup);
}

// What is done on every page.
export function everyPage(setup) {
  always.push(setup);
  begin(setup);
}

// Like setInterval, while this page is there and seen.
export function every(pause, what) {
  const mine = life.signal, timer = setInterval(() => { if (!document.hidden) what(); }, pause);
  mine.addEventListener("abort", () => clearInterval(timer));
}

// While `loses()` is true, leaving this page would lose something: the browser is left to ask.
export function hold(loses) {
  holds.add(loses);
  life.signal.addEventListener("abort", () => holds.delete(loses));
  addEventListener("beforeunload", (event) => { if (loses()) event.preventDefault(); }, { signal: life.signal });
}
export const held = () => [...holds].some((loses) => loses());

// The shell says so: the page goes …
export function leave() {
  life.abort();
  life = new AbortController();
}

// … and the one that these modules belong to has come.
export function arrive(addresses) {
  wanted = new Set(addresses);
  for (const setup of always) begin(setup);
  for (const address of wanted) {
    if (setups.has(address)) begin(setups.get(address));
    else import(address);
  }
}
