// The few things every page module needs: the CSRF token, JSON requests, a socket that comes back.
import { now } from "./page.js";

export const LOGGED_OUT = "You were logged out. Log in again in another tab, then repeat this here: nothing is lost.";

export const csrf = () =>
  document.querySelector("input[name=csrfmiddlewaretoken]")?.value ||
  document.cookie.split("; ").find((one) => one.startsWith("csrftoken="))?.slice(10) || "";

export async function ask(url, { method = "GET", body, form } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrf();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(url, {
    method, headers, credentials: "same-origin", body: form ?? (body === undefined ? undefined : JSON.stringify(body)),
  });
  if (response.redirected && new URL(response.url).pathname.startsWith("/account/login/")) {
    return { ok: false, status: 401, data: { detail: LOGGED_OUT } };
  }
  const data = response.headers.get("Content-Type")?.includes("json") ? await response.json() : null;
  return { ok: response.ok, status: response.status, data };
}

// What a problem+json answer says, in one sentence.
export const sentence = (data, otherwise = "The server could not be reached. Check the connection and try again.") =>
  data?.detail || otherwise;

// A socket that reconnects with growing pauses and tells when it is back: the row is the truth, so nothing is lost.
// It closes when its page is left.
export function listen(path, onMessage, onBack = () => {}) {
  const left = now();
  let pause = 500, closed = false, socket;
  const close = () => { closed = true; socket.close(); };
  const open = () => {
    if (closed) return;
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
    socket.addEventListener("open", () => {
      if (pause > 500) onBack();
      pause = 500;
    });
    socket.addEventListener("message", (event) => { if (!closed) onMessage(JSON.parse(event.data)); });
    socket.addEventListener("close", (event) => {
      if (closed || event.code === 4404) return;
      setTimeout(open, pause);
      pause = Math.min(pause * 2, 15000);
    });
  };
  open();
  addEventListener("pagehide", close, { once: true, signal: left });
  left.addEventListener("abort", close);
  return { close };
}

// Parts of this page as the server would draw them now, swapped in by id.
export async function redraw(ids, url = location.href) {
  const left = now();
  const response = await fetch(url, { credentials: "same-origin", headers: { "X-Redraw": "1" } });
  if (!response.ok) return false;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  if (left.aborted) return false;
  for (const id of ids) {
    const here = document.getElementById(id), then = fresh.getElementById(id);
    if (here && then && !here.contains(document.activeElement)) here.replaceWith(document.adoptNode(then));
  }
  document.dispatchEvent(new Event("redrawn"));
  return true;
}

export const left = (seconds) => {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 1.5) return "a second left";
  if (seconds < 90) return `${Math.round(seconds)} seconds left`;
  return `${Math.round(seconds / 60)} minutes left`;
};
