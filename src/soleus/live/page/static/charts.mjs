// Charts of both feet in SVG: left is a line with circles, right is dashed with diamonds, so that colour is not needed.
const SVG = "http://www.w3.org/2000/svg";

export function make(name, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

export function median(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// Medians over the last few points; a hole in time breaks the line rather than being bridged.
export function smooth(points, width) {
  return points.map((point, i) => {
    const near = points.slice(Math.max(0, i - width + 1), i + 1);
    return [point[0], median(near.map((p) => p[1]))];
  });
}

// A range that holds all values, never so narrow that noise fills the chart.
export function rangeOf(values, least) {
  if (!values.length) return null;
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const missing = Math.max(0, least - (high - low)) / 2;
  const margin = Math.max(high - low, least) * 0.08;
  return [low - missing - margin, high + missing + margin];
}

const HOLE_S = 2.5; // time between points of one foot from which on the line is broken

export function linePath(points, x, y) {
  let path = "";
  let before = -Infinity;
  for (const [t, value] of points) {
    path += `${t - before > HOLE_S ? "M" : "L"}${x(t).toFixed(1)} ${y(value).toFixed(1)}`;
    before = t;
  }
  return path;
}

export function dotsPath(points, x, y) {
  let path = "";
  for (const [t, value] of points) path += `M${x(t).toFixed(1)} ${y(value).toFixed(1)}h0`;
  return path;
}

const SHAPES = {
  0: (cx, cy, r) => make("circle", { cx, cy, r, class: "fill-l" }),
  1: (cx, cy, r) => make("path", { d: `M${cx} ${cy - r * 1.25}L${cx + r * 1.25} ${cy}L${cx} ${cy + r * 1.25}L${cx - r * 1.25} ${cy}z`, class: "fill-r" }),
};

export function marker(foot, cx, cy, r) {
  return SHAPES[foot](cx, cy, r);
}

// One chart of both feet over time.
// feet: [points of the left, points of the right]; each point is [seconds before now, value].
export function draw(svg, { feet, span_s, least, label, smoothing = 5, dots = false, ticks, big = false }) {
  const { width, height } = svg.getBoundingClientRect();
  if (width < 20 || height < 20) return;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const text = big ? Math.max(13, Math.min(22, height / 6)) : 13;
  const lines = feet.map((points) => smooth(points, smoothing));
  const range = rangeOf([...(dots ? feet : lines)].flat().map((point) => point[1]), least);
  const edge = { left: text * 3.6, right: text * 2, top: 6, bottom: ticks ? text * 1.5 : 6 };
  const parts = [];
  const x = (t) => edge.left + (1 + t / span_s) * (width - edge.left - edge.right);
  const floor = height - edge.bottom;
  parts.push(make("path", { class: "axis", d: `M${edge.left} ${edge.top}V${floor}H${width - edge.right}` }));
  for (const [t, words] of ticks ?? []) {
    parts.push(make("text", { x: x(t), y: height - text * 0.3, "text-anchor": t === 0 ? "end" : "middle" }, words));
  }
  if (range) {
    const y = (value) => edge.top + (1 - (value - range[0]) / (range[1] - range[0])) * (floor - edge.top);
    const [low, high] = [range[0] + (range[1] - range[0]) * 0.08, range[1] - (range[1] - range[0]) * 0.08];
    for (const value of [low, high]) {
      parts.push(make("path", { class: "axis", d: `M${edge.left} ${y(value)}H${width - edge.right}`, "stroke-dasharray": "2 6" }));
      parts.push(make("text", { x: edge.left - 6, y: y(value) + text * 0.35, "text-anchor": "end" }, label(value)));
    }
    feet.forEach((points, foot) => {
      const side = foot ? "r" : "l";
      if (dots && points.length) parts.push(make("path", { class: `line dots ${side}`, d: dotsPath(points, x, y) }));
      if (!lines[foot].length) return;
      const line = make("path", { class: `line ${side}`, d: linePath(lines[foot], x, y) });
      if (foot) line.setAttribute("stroke-dasharray", big ? "14 9" : "7 5");
      parts.push(line);
    });
    lines.forEach((points, foot) => {
      if (!points.length) return;
      const [t, value] = points.at(-1);
      const r = big ? text * 0.42 : 5;
      parts.push(marker(foot, x(t), y(value), r));
      const other = lines[1 - foot].at(-1);
      const near = other && Math.abs(y(other[1]) - y(value)) < text * 1.1;
      const shift = near ? ((value > other[1] || (value === other[1] && foot === 0) ? -1 : 1) * (text * 1.1 - Math.abs(y(other[1]) - y(value)))) / 2 : 0;
      const at = Math.min(floor, Math.max(edge.top + text * 0.8, y(value) + text * 0.35 + shift));
      parts.push(make("text", { x: x(t) + r + 5, y: at, class: foot ? "fill-r" : "fill-l" }, foot ? "R" : "L"));
    });
  } else {
    parts.push(make("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "nothing in this time"));
  }
  svg.replaceChildren(...parts);
  svg.style.setProperty("--chart-text", `${text}px`);
}
