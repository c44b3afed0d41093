// Waveforms as the server draws them (catalog/svg/waveforms.py), for sounds that only scripts know of.
export const clock = (seconds) => {
  const whole = Math.max(0, Math.round(seconds || 0));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};

const SVG = "http://www.w3.org/2000/svg";
let clips = 0;

// Peaks 0..127 to `count` levels 0..1.
export function levels(peaks, count) {
  const step = peaks.length / count;
  const typical = [...peaks].sort((a, b) => a - b)[Math.floor(0.6 * (peaks.length - 1))] / 127;
  const power = typical > 0 && typical < 1 ? Math.min(3, Math.max(1, Math.log(0.55) / Math.log(typical))) : 1;
  return Array.from({ length: count }, (_, i) => {
    const from = Math.round(i * step), part = peaks.slice(from, Math.max(from + 1, Math.round((i + 1) * step)));
    return (part.reduce((sum, one) => sum + one, 0) / part.length / 127) ** power;
  });
}

function bars(heights, height) {
  let path = "";
  for (let i = 0; i < heights.length; i += 1) {
    const tall = Math.max(2, Math.min(1, heights[i]) * height);
    path += `M${i * 4} ${((height - tall) / 2).toFixed(1)}h3v${tall.toFixed(1)}h-3z`;
  }
  return path;
}

export function wave(heights, height) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${heights.length * 4 - 1} ${height}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "wave");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", bars(heights, height));
  svg.append(path);
  return svg;
}

// What has been played turns grey: a second copy of the bars, cut off at the position.
export function paint(element, share) {
  for (const svg of element.querySelectorAll("svg.wave")) {
    let clip = svg.querySelector("clipPath rect");
    if (!clip) {
      const path = svg.querySelector("path");
      if (!path) continue;
      const holder = document.createElementNS(SVG, "clipPath");
      holder.id = `played-${(clips += 1)}`;
      clip = document.createElementNS(SVG, "rect");
      clip.setAttribute("height", svg.viewBox.baseVal.height);
      holder.append(clip);
      const copy = path.cloneNode();
      copy.setAttribute("class", "past");
      copy.setAttribute("clip-path", `url(#${holder.id})`);
      svg.append(holder, copy);
    }
    clip.setAttribute("width", (svg.viewBox.baseVal.width * share).toFixed(1));
  }
}
