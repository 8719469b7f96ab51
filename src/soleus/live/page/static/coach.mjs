// The coach's screen.
import { draw, make } from "./charts.mjs";
import { clock, difference, MISSING, number, percent, shown } from "./format.mjs";
import { byId, CueBanner, drawStatus, hideToken, recall, remember, setText, themeButton } from "./parts.mjs";
import { Stream } from "./stream.mjs";
import { least, points } from "./trend.mjs";

const STRIPS = ["contact_time_s", "achilles_impulse_bws", "overstride_m", "foot_strike_angle_deg"];
const ANNOYING_PCT = 5; // asymmetry from which on a row stands out: beyond what steady runners show
const REDRAW_MS = 250;
const STILL_MS = 1000;
const REARFOOT_DEG = 8; // Altman & Davis 2012
const FOREFOOT_DEG = -1.6;
const GIVEN = { voice: "spoken", tone: "sounded", shown: "shown" };
const SHOWN_STRIKES_DEG = [-20, 30];

hideToken();
themeButton();
const stream = new Stream("coach");
const banner = new CueBanner(stream);
let span_s = Number(recall("span")) || 180;
let strikes = null;
let log = null;
let openLap = null;

const strips = STRIPS.map((name) => {
  const box = document.createElement("div");
  box.className = "strip";
  const title = document.createElement("h3");
  const words = document.createElement("span");
  const now = Object.assign(document.createElement("span"), { className: "now" });
  title.append(words, now);
  const plot = Object.assign(document.createElement("div"), { className: "plot" });
  const chart = make("svg", { class: "chart", role: "img", "aria-label": name });
  plot.append(chart);
  box.append(title, plot);
  byId("strip-list").append(box);
  return { name, words, now, chart };
});

const buttons = [...document.querySelectorAll("[data-span]")];
for (const button of buttons) {
  button.addEventListener("click", () => {
    span_s = Number(button.dataset.span);
    remember("span", String(span_s));
    redraw();
  });
}

function ticksOf(span) {
  const unit = span > 90 ? 60 : 1;
  const count = span === 180 ? 3 : span === 60 ? 3 : 5;
  return Array.from({ length: count + 1 }, (_, i) => {
    const ago = -span + (i * span) / count;
    return [ago, ago === 0 ? "now" : `−${number(-ago / unit)} ${unit === 60 ? "min" : "s"}`];
  });
}

let stripsDrawn = { key: "", at: 0 };
function drawStrips() {
  const { hello, now } = stream;
  const key = `${span_s} ${stream.boot} ${stream.next} ${innerWidth} ${innerHeight}`;
  if (key === stripsDrawn.key && performance.now() - stripsDrawn.at < STILL_MS) return;
  stripsDrawn = { key, at: performance.now() };
  for (const button of buttons) button.setAttribute("aria-pressed", String(Number(button.dataset.span) === span_s));
  strips.forEach((strip, i) => {
    const quantity = hello.quantities[strip.name];
    const label = (value) => number(value * quantity.factor, quantity.decimals);
    setText(strip.words, `${quantity.label} (${quantity.unit})${quantity.modelled ? ", modelled" : ""}`);
    const [left, right] = now.values[strip.name];
    setText(strip.now, `L ${shown(quantity, left)}   R ${shown(quantity, right)}`);
    draw(strip.chart, {
      feet: points(stream, strip.name, span_s),
      span_s,
      least: least(strip.name),
      label,
      smoothing: 9,
      dots: true,
      ticks: i === strips.length - 1 ? ticksOf(span_s) : undefined,
    });
    strip.chart.setAttribute("aria-label", `${quantity.label} of each step; now left ${shown(quantity, left)}, right ${shown(quantity, right)} ${quantity.unit}`);
  });
}

function row(cells, kind = "td", first = "th") {
  const line = document.createElement("tr");
  cells.forEach((text, i) => {
    const cell = document.createElement(i === 0 ? first : kind);
    if (i === 0 && first === "th") cell.scope = "row";
    cell.textContent = text;
    line.append(cell);
  });
  return line;
}

function fill(body, rows) {
  const key = rows.map((line) => line.className + line.textContent).join("\n");
  if (body.dataset.key === key) return;
  body.dataset.key = key;
  body.replaceChildren(...rows);
}

function drawBalance() {
  const { hello, now } = stream;
  const rows = Object.entries(now.values).map(([name, [left, right, , asymmetry]]) => {
    const quantity = hello.quantities[name];
    const line = row([`${quantity.label} (${quantity.unit})`, shown(quantity, left), shown(quantity, right), difference(quantity, asymmetry)]);
    if (!quantity.signed && Math.abs(asymmetry ?? 0) >= ANNOYING_PCT) line.className = "strong";
    return line;
  });
  fill(document.querySelector("#balance tbody"), rows);
}

function drawStrikes() {
  const { hello, now } = stream;
  setText(byId("strike-words"), now.strikes.some(Boolean) ? `now L ${now.strikes[0] ?? MISSING}, R ${now.strikes[1] ?? MISSING}` : "");
  const svg = byId("strike-chart");
  const { width, height } = svg.getBoundingClientRect();
  if (!strikes || width < 20 || height < 20) return;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const edges = hello.strike_edges_deg;
  const bins = strikes[0].map((_, i) => i).filter((i) => edges[i] >= SHOWN_STRIKES_DEG[0] && edges[i + 1] <= SHOWN_STRIKES_DEG[1]);
  const most = Math.max(1, ...strikes.flat());
  const [top, bottom] = [18, height - 34];
  const x = (angle) => ((angle - SHOWN_STRIKES_DEG[0]) / (SHOWN_STRIKES_DEG[1] - SHOWN_STRIKES_DEG[0])) * width;
  const parts = [];
  const wide = x(edges[1]) - x(edges[0]);
  for (const i of bins) {
    strikes.forEach((counts, foot) => {
      const tall = (counts[i] / most) * (bottom - top);
      if (tall > 0) parts.push(make("rect", { class: `bar ${foot ? "fill-r" : "fill-l"}`, x: x(edges[i]) + 1 + (foot * wide) / 2, y: bottom - tall, width: Math.max(1, wide / 2 - 1.5), height: tall }));
    });
  }
  for (const limit of [FOREFOOT_DEG, REARFOOT_DEG]) parts.push(make("path", { class: "axis", d: `M${x(limit)} ${top - 4}V${bottom}`, "stroke-dasharray": "4 4" }));
  for (const [angle, words] of [[-11, "forefoot"], [3.2, "midfoot"], [19, "rearfoot"]]) parts.push(make("text", { x: x(angle), y: 12, "text-anchor": "middle" }, words));
  for (const angle of [-15, -10, -5, 0, 5, 10, 15, 20, 25]) parts.push(make("text", { x: x(angle), y: bottom + 15, "text-anchor": "middle" }, number(angle)));
  parts.push(make("text", { x: width / 2, y: height - 3, "text-anchor": "middle" }, "foot strike angle [°], all steps of the run"));
  parts.push(make("path", { class: "axis", d: `M0 ${bottom}H${width}` }));
  svg.replaceChildren(...parts);
  const sum = strikes.map((counts) => counts.reduce((a, b) => a + b, 0));
  svg.setAttribute("aria-label", `Histogram of foot strike angles: ${sum[0]} steps left, ${sum[1]} right`);
}

function line(name, text) {
  return Object.assign(document.createElement("p"), { className: name, textContent: text });
}

function evidenceWords(cue) {
  const shownValues = Object.entries(cue.evidence)
    .filter(([name, value]) => value !== null && !(name === "grade" && value === 0))
    .map(([name, value]) => `${name} ${typeof value === "number" ? Number(value.toPrecision(4)) : value}`);
  return shownValues.join(" · ");
}

function drawLog() {
  if (!log) return;
  const items = [
    ...log.cues.map((cue) => {
      const item = document.createElement("li");
      item.dataset.severity = cue.severity;
      const foot = cue.foot === null ? "" : `, ${cue.foot ? "right" : "left"}`;
      item.append(line("when", `${clock(cue.time_s)} ${cue.severity.toUpperCase()}${foot} · ${cue.rule}`), line("said", cue.message));
      if (cue.explanation) item.append(line("proof", cue.explanation));
      item.append(line("proof quiet", evidenceWords(cue)), line("source", cue.reference));
      if (cue.given.length) item.append(line("source", `${[...new Set(cue.given)].map((how) => GIVEN[how]).join(", ")} to the runner`));
      return [cue.time_s, item];
    }),
    ...log.pains.map((pain) => {
      const item = document.createElement("li");
      item.append(line("when", `${clock(pain.time_s)} the runner's calf: ${number(pain.rating)} of 10`));
      return [pain.time_s, item];
    }),
    ...log.told.map((told) => {
      const item = document.createElement("li");
      item.append(line("quiet", `${clock(told.time_s)} ${told.sentence}`));
      return [told.time_s, item];
    }),
  ];
  items.sort((a, b) => b[0] - a[0]);
  byId("cues").replaceChildren(...(items.length ? items.map(([, item]) => item) : [Object.assign(document.createElement("li"), { className: "quiet", textContent: "Nothing so far." })]));
}

function drawLaps() {
  if (!log || !stream.hello) return;
  const laps = openLap && log.laps.length && log.laps.at(-1).number === openLap.number ? [...log.laps.slice(0, -1), openLap] : log.laps;
  const { quantities } = stream.hello;
  const pair = (lap, name, decimals) => {
    const [left, right] = lap.means[name];
    const factor = quantities[name].factor;
    return `${number(left === null ? null : left * factor, decimals)} / ${number(right === null ? null : right * factor, decimals)}`;
  };
  const rows = laps.toReversed().map((lap) => {
    const made = row([
      lap.open ? `${lap.number} ▸` : String(lap.number),
      clock(lap.duration_s),
      number(lap.distance_m / 1000, 2),
      shown(quantities.speed_mps, lap.means.speed_mps[2]),
      shown(quantities.cadence_spm, lap.means.cadence_spm[2]),
      pair(lap, "contact_time_s", 0),
      pair(lap, "achilles_impulse_bws", 3),
    ]);
    if (lap.open) made.className = "strong";
    return made;
  });
  fill(document.querySelector("#laps tbody"), rows);
}

function drawPast() {
  const past = stream.hello.history;
  if (!past) return;
  const { summary, days } = past;
  const box = byId("past");
  const parts = [];
  if (days.length) {
    const plot = Object.assign(document.createElement("div"), { className: "plot" });
    const [width, height] = [Math.max(240, box.clientWidth - 8), 110];
    const most = Math.max(...days.map((day) => day.distance_m), 1);
    const svg = make("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Distance of the last ${days.length} days; longest day ${number(most / 1000, 1)} km` });
    const step = width / days.length;
    days.forEach((day, i) => {
      const tall = (day.distance_m / most) * (height - 38);
      if (tall > 0) svg.append(make("rect", { class: "day", x: i * step + 2, y: height - 20 - tall, width: step - 4, height: tall, rx: 2 }));
    });
    svg.append(make("path", { class: "axis", d: `M0 ${height - 20}H${width}` }));
    svg.append(make("text", { x: 0, y: height - 4 }, days[0].date), make("text", { x: width, y: height - 4, "text-anchor": "end" }, "today"));
    svg.append(make("text", { x: 0, y: 12 }, `km a day; longest day ${number(most / 1000, 1)} km`));
    plot.append(svg);
    parts.push(plot);
  }
  const sum = (from, to, key) => days.slice(from, to).reduce((total, day) => total + day[key], 0);
  const table = document.createElement("table");
  const body = document.createElement("tbody");
  if (days.length >= 14) {
    const [week, before] = [sum(-7, undefined, "distance_m"), sum(-14, -7, "distance_m")];
    body.append(row(["this week, week before", `${number(week / 1000, 1)} km, ${number(before / 1000, 1)} km`]));
    body.append(row(["modelled Achilles impulse", `${number(sum(-7, undefined, "impulse_bws"))}, ${number(sum(-14, -7, "impulse_bws"))} bw·s`]));
  }
  const facts = [
    ["runs in 30 days", summary.sessions_30d, 1, 0, ""],
    ["longest run in 30 days", summary.longest_distance_m, 0.001, 1, "km"],
    ["highest calf dose of one run", summary.highest_dose, 0.001, 0, "k bw⁶·s"],
    ["usual speed", summary.usual_speed_mps, 3.6, 1, "km/h"],
    ["hours since a hard run", summary.hours_since_hard, 1, 0, "h"],
    ["pain before this run", summary.pain_before, 1, 0, "of 10"],
  ];
  for (const [words, value, factor, decimals, unit] of facts) {
    if (value !== null && value !== undefined) body.append(row([words, `${number(value * factor, decimals)} ${unit}`]));
  }
  const share = stream.now?.dose_share;
  if (share !== null && share !== undefined) body.append(row(["dose of this run", `${percent(share * 100)} of the highest`]));
  table.append(body);
  if (body.childElementCount) parts.push(table);
  if (parts.length) box.replaceChildren(...parts);
}

let last = 0;
let asked = false;
function redraw() {
  if (asked) return;
  asked = true;
  setTimeout(
    () =>
      requestAnimationFrame(() => {
        asked = false;
        last = performance.now();
        banner.draw();
        if (!stream.now || !stream.hello) return;
        drawStatus(stream);
        drawStrips();
        drawBalance();
        drawStrikes();
        drawLaps();
        setText(byId("disclaimer"), stream.hello.disclaimer);
        document.body.dataset.newestStep = `${stream.next - 1}:${stream.rows.at(-1)?.[1] ?? ""}`;
      }),
    Math.max(0, REDRAW_MS - (performance.now() - last)),
  );
}

stream.addEventListener("hello", () => {
  drawPast();
  redraw();
});
for (const name of ["now", "steps", "lost"]) stream.addEventListener(name, redraw);
stream.addEventListener("log", ({ detail }) => {
  log = detail;
  drawLog();
  redraw();
});
stream.addEventListener("sums", ({ detail }) => {
  strikes = detail.strike_counts;
  openLap = detail.lap;
  drawPast();
  redraw();
});
addEventListener("resize", redraw);
addEventListener("themed", redraw);
