// Turning pages: the next one is fetched and put in place of this one, and the player below goes on. The browser's
// Navigation API says when; where it is missing, pages load as they always did. A form or link with data-load does too.
import { arrive, held, leave } from "./page.js";

const root = document.documentElement;
const ELSEWHERE = /^\/(api\/(?!docs\/)|admin\/|static\/)/;   // files and pages without the shell
const PARTS = [".head", "main", ".foot"];
const AWAY = "The server could not be reached. Nothing was lost: check the connection and try again.";
const STRANGE = "The server answered with an error. Wait a moment and try again.";
const typed = new Map();   // what was written into the forms of a page, by its place in the history
let under = null, shown = globalThis.navigation?.currentEntry?.key;

// --- bringing a page ---
function body(fields) {
  const entries = [...fields];
  return entries.some(([, value]) => typeof value !== "string") ? fields : new URLSearchParams(entries);
}

// { page, url }, or { url, whole: true } for what is not a page of the shell, or { said } for what did not come.
async function bring(address, fields, signal) {
  let url = new URL(address), answer, posted = Boolean(fields);
  for (let turns = 0; ; turns += 1) {
    const asked = { signal, credentials: "same-origin", headers: { Accept: "text/html", "X-Shell": "1" } };
    if (posted) Object.assign(asked, { method: "POST", body: body(fields) });
    answer = await fetch(url, asked);
    const on = answer.headers.get("X-Location");   // a redirect, told in a way that keeps the place within the page
    if (!on) break;
    if (turns === 10) return { said: STRANGE };
    const next = new URL(on, url);
    if (next.origin !== location.origin) return { url: next, whole: true };
    if (!next.hash) next.hash = url.hash;
    [url, posted] = [next, false];
  }
  const kind = answer.headers.get("Content-Type") ?? "", attached = (answer.headers.get("Content-Disposition") ?? "").startsWith("attachment");
  if (!kind.startsWith("text/html") || attached) {
    if (posted) return save(answer);
    answer.body?.cancel();
    return { url, whole: true };
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const { shell, who } = page.documentElement.dataset;
  if (shell === root.dataset.shell && who === root.dataset.who) return { page, url };
  if (posted && !shell) return { said: page.querySelector("main")?.textContent.replace(/\s+/g, " ").trim() || STRANGE };
  return { url, whole: true };
}

async function save(answer) {
  if (!answer.ok) return { said: STRANGE };
  const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "";
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(await answer.blob()), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return {};
}

function say(words) {
  const place = document.querySelector("#messages"), line = document.createElement("div"), wrap = document.createElement("div");
  line.className = "said";
  wrap.className = "wrap";
  wrap.append(Object.assign(document.createElement("p"), { className: "error", textContent: words }));
  line.append(wrap);
  place.replaceChildren(line);
  place.scrollIntoView({ block: "nearest" });
}

// --- putting it in place ---
const sheets = (page) => [...page.head.querySelectorAll("link[rel=stylesheet]")].filter((one) => !one.closest("noscript"));

// The styles of a page come before it does, and rule once it is there.
async function dress(page) {
  const here = new Map(sheets(document).map((one) => [one.href, one])), wanted = new Set(), fresh = [];
  for (const one of sheets(page)) {
    const { href } = new URL(one.getAttribute("href"), location.href), link = here.get(href);
    wanted.add(href);
    if (!link) fresh.push(Object.assign(document.createElement("link"), { rel: "stylesheet", href, media: "not all" }));
  }
  await Promise.all(fresh.map((link) => new Promise((resolve) => {
    link.onload = link.onerror = resolve;
    document.head.append(link);
  })));
  return () => {
    for (const link of fresh) link.media = "all";
    for (const [href, link] of here) if (!wanted.has(href)) link.remove();
  };
}

const fields = () => [...document.querySelectorAll("main input, main textarea, main select")]
  .filter((one) => one.name && !["hidden", "password", "file", "submit"].includes(one.type));
const chosen = (one) => (one.type === "checkbox" || one.type === "radio");
const untouched = (one) => (one.tagName === "SELECT" ? [...one.options].every((option) => option.selected === option.defaultSelected)
  : chosen(one) ? one.checked === one.defaultChecked : one.value === one.defaultValue);

function noteForms() {
  const all = fields(), changed = all.map((one, place) => [place, one.name, chosen(one) ? one.checked : one.value]).filter(([place]) => !untouched(all[place]));
  typed.set(shown, changed);
}

function refillForms(key) {
  const all = fields();
  for (const [place, name, value] of typed.get(key) ?? []) {
    const one = all[place];
    if (one?.name !== name) continue;
    if (chosen(one)) one.checked = value;
    else one.value = value;
  }
}

function swap(page) {
  page.querySelectorAll("noscript").forEach((one) => one.remove());
  document.title = page.title;
  document.body.className = page.body.className;
  for (const name of PARTS) document.querySelector(name)?.replaceWith(document.adoptNode(page.querySelector(name)));
  document.querySelector("#messages").replaceChildren(...page.querySelector("#messages").children);
}

// Where a reader goes on: at the named place, at the field that waits, else at the headline.
function settle(type, held) {
  if (type === "reload") {
    if (held) document.getElementById(held)?.focus({ preventScroll: true });
    return;
  }
  const main = document.querySelector("main");
  const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const goal = named || main.querySelector("[autofocus]") || main.querySelector("h1") || main;
  if (!goal.matches("a, button, input, select, textarea, summary, [tabindex]")) goal.tabIndex = -1;
  goal.focus({ preventScroll: true });
  document.querySelector("#announce").textContent = document.title;
}

function put(event, page, rule) {
  const held = document.activeElement?.id, key = navigation.currentEntry.key;
  noteForms();
  leave();
  const scripts = [...page.body.querySelectorAll("script[type=module]")].map((one) => new URL(one.getAttribute("src"), location.href).href);
  swap(page);
  rule();
  if (["traverse", "reload"].includes(event.navigationType)) refillForms(key);
  shown = key;
  arrive(scripts);
  event.scroll();
  settle(event.navigationType, held);
}

// --- going there ---
// A navigation that becomes a download, or that the next one overtakes, is no error.
const go = (url, options) => Promise.allSettled(Object.values(navigation.navigate(url.href ?? url, options)));
async function whole(url, history) {
  const info = { whole: true }, to = new URL(url, location.href);
  const here = to.hash && to.pathname + to.search === location.pathname + location.search;   // a place here: no load of itself
  await go(to, { info, history: here ? "replace" : history });
  if (here) navigation.reload({ info });
}

async function fetched(what) {
  under?.abort();
  const mine = under = new AbortController();
  const slow = setTimeout(() => root.classList.add("turning"), 150);
  try {
    return await what(mine.signal);
  } catch (error) {
    return error.name === "AbortError" ? {} : { said: AWAY };
  } finally {
    clearTimeout(slow);
    if (under === mine) root.classList.remove("turning");
  }
}

async function follow(address, fields, history) {
  const { page, url, said, whole: load, rule } = await fetched(async (signal) => {
    const brought = await bring(address, fields, signal);
    return brought.page ? { ...brought, rule: await dress(brought.page) } : brought;
  });
  if (said) say(said);
  else if (load) whole(url, history);
  else if (page) {
    const same = url.href === location.href;
    await go(url, { info: { page, rule }, history: same ? "replace" : history });
  }
}

// Back, forward and a page that draws itself anew: the address has changed already.
async function back(event) {
  const { page, said, whole: load, rule } = await fetched(async (signal) => {
    const brought = await bring(event.destination.url, null, AbortSignal.any([signal, event.signal]));
    return brought.page ? { ...brought, rule: await dress(brought.page) } : brought;
  });
  if (event.signal.aborted) return;
  if (said) say(said);
  else if (load) whole(event.destination.url, "replace");
  else if (page) put(event, page, rule);
}

function decide(event) {
  const { info, navigationType: type, destination } = event;
  if (!event.canIntercept || info?.whole) return;
  const how = { focusReset: "manual", scroll: "manual" };
  if (info?.page) {   // first: an answer may lead to a place within the page that it was sent from
    event.intercept({ ...how, handler: async () => put(event, info.page, info.rule) });
    return;
  }
  if (event.hashChange || event.downloadRequest !== null) return;
  const moves = type === "push" || type === "replace";
  if ((moves && destination.sameDocument) || (type === "reload" && event.userInitiated)) return;
  if (type === "traverse" && held()) {   // back and forward change the address without a load: the browser would not ask
    if (event.cancelable) event.preventDefault();
    else event.intercept({ handler: () => {} });
    whole(destination.url, "auto");
    return;
  }
  if (ELSEWHERE.test(new URL(destination.url).pathname) || held() || event.sourceElement?.closest("[data-load]")) return;
  if (moves) {
    event.preventDefault();
    follow(destination.url, event.formData, type);
  } else event.intercept({ ...how, handler: () => back(event) });
}

globalThis.navigation?.addEventListener("navigate", decide);
