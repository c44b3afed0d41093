// How loud an <audio> is heard, 0 to 1. iOS keeps `volume` at 1 whatever a page says: there a gain in Web Audio does it,
// from the first time on that something has to be softer.
export function heard(audio) {
  let wanted = 1, context, gain;
  const deaf = () => Math.abs(audio.volume - wanted) > 0.005;
  function apply() {
    audio.volume = wanted;
    if (!gain && !(deaf() && !audio.paused)) return;
    if (!gain) {
      context = new AudioContext();
      gain = new GainNode(context);
      context.createMediaElementSource(audio).connect(gain).connect(context.destination);
    }
    gain.gain.value = deaf() ? wanted : 1;
    if (context.state !== "running") context.resume().catch(() => { /* not without a touch: the next one plays */ });
  }
  audio.addEventListener("play", apply);
  return {
    set(value) { wanted = value; apply(); },
    // What reaches the listener of the sound's own level.
    get factor() { return audio.volume * (gain?.gain.value ?? 1); },
  };
}
