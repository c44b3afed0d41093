// Tap tempo: a line through the taps, without those that miss the beat.
import { page } from "./page.js";

page(import.meta.url, ({ signal }) => {
  const button = document.querySelector("[data-tap]");
  if (!button) return;
  const PAUSE = 2500, MOST = 32, FEWEST = 4, STRAY = 0.2, SLOWEST = 20, FASTEST = 400;
  const line = document.querySelector("[data-tapped]");
  const words = line.querySelector("[data-tap-said]"), use = line.querySelector("[data-tap-use]");
  let taps = [];
  button.hidden = false;

  const median = (values) => {
    const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  };

  // Least squares of time over beat number: { beat, start } in milliseconds.
  function fitted(points) {
    const n = points.length, x = points.reduce((sum, one) => sum + one[0], 0) / n, y = points.reduce((sum, one) => sum + one[1], 0) / n;
    let over = 0, under = 0;
    for (const [beat, time] of points) { over += (beat - x) * (time - y); under += (beat - x) ** 2; }
    return { beat: over / under, start: y - (over / under) * x };
  }

  // BPM of the taps, or null: a beat left out is counted, a tap off the beat is not.
  function tempo(times) {
    const gaps = times.slice(1).map((time, i) => time - times[i]);
    const typical = median(gaps);
    let beat = 0;
    const points = [[0, times[0]]];
    gaps.forEach((gap, i) => {
      beat += gap / typical;
      points.push([Math.round(beat), times[i + 1], Math.abs(beat - Math.round(beat))]);
      if (Math.abs(beat - Math.round(beat)) <= STRAY) beat = Math.round(beat);
    });
    const near = points.filter((one) => (one[2] ?? 0) <= STRAY);
    if (near.length < FEWEST) return null;
    let fit = fitted(near);
    const kept = near.filter(([at, time]) => Math.abs(time - fit.start - at * fit.beat) <= STRAY * fit.beat);
    if (kept.length < FEWEST) return null;
    fit = fitted(kept);
    const bpm = 60000 / fit.beat;
    return bpm >= SLOWEST && bpm <= FASTEST ? { bpm: bpm.toFixed(1), kept: kept.length } : null;
  }

  function tap(time) {
    if (taps.length && time - taps.at(-1) > PAUSE) taps = [];
    taps = [...taps, time].slice(-MOST);
    const found = taps.length >= FEWEST ? tempo(taps) : null;
    line.hidden = false;
    use.hidden = !found;
    if (found) {
      words.textContent = `${found.bpm} BPM from ${found.kept} taps`;
      use.value = found.bpm;
      use.textContent = `Use ${found.bpm}`;
    } else words.textContent = `${taps.length} ${taps.length === 1 ? "tap" : "taps"}, keep on`;
  }

  // On the press, not the release: a click comes too late, and unevenly so.
  button.addEventListener("pointerdown", (event) => { if (event.button === 0) tap(event.timeStamp); });
  button.addEventListener("keydown", (event) => {
    if ((event.key === "Enter" || event.key === " ") && !event.repeat) {
      tap(event.timeStamp);
      event.preventDefault();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "t" || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=checkbox], [type=file]), textarea, select")) return;
    tap(event.timeStamp);
  }, { signal });
});
