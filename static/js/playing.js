// What the player leaves behind: for the system's own media keys and lock screen, and for a page that is loaded anew.
const store = (place, name) => {
  const { who } = document.documentElement.dataset;   // a list is its artist's: nobody else's tab shows it
  return {
    get() {
      try {
        const found = JSON.parse(place().getItem(name));
        return found && found.who === who ? found.value : null;
      } catch { return null; }
    },
    set(value) { try { place().setItem(name, JSON.stringify({ who, value })); } catch { /* storage is switched off */ } },
  };
};
const sounds = store(() => sessionStorage, "player"), volume = store(() => localStorage, "volume");

export const kept = {
  sounds() {
    const found = sounds.get();
    return Array.isArray(found?.list) && found.list[found.place] ? found : null;
  },
  volume() {
    const found = volume.get();
    return typeof found === "number" && found >= 0 && found <= 1 ? found : 1;
  },
};
export const remember = { sounds: (value) => sounds.set(value), volume: (value) => volume.set(value) };

const session = navigator.mediaSession;
export const system = {
  shows({ title, by }) {
    if (session) session.metadata = new MediaMetadata({ title: title || "Untitled", artist: by || "" });
  },
  asks(audio, { play, pause, step, seek, length }) {
    if (!session) return;
    const deeds = {
      play, pause,
      previoustrack: () => step(-1),
      nexttrack: () => step(1),
      seekbackward: ({ seekOffset }) => seek(audio.currentTime - (seekOffset || 10)),
      seekforward: ({ seekOffset }) => seek(audio.currentTime + (seekOffset || 10)),
      seekto: ({ seekTime }) => seek(seekTime),
    };
    for (const [name, deed] of Object.entries(deeds)) {
      try { session.setActionHandler(name, deed); } catch { /* a browser without this key */ }
    }
    const tell = () => {
      session.playbackState = audio.paused ? "paused" : "playing";
      const duration = length();
      if (duration) session.setPositionState?.({ duration, position: Math.min(audio.currentTime, duration), playbackRate: 1 });
    };
    for (const name of ["play", "pause", "seeked", "loadedmetadata"]) audio.addEventListener(name, tell);
  },
};
