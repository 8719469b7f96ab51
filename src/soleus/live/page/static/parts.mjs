// Parts of both screens: the cue banner, the status row, dialogs, the theme.
import { clock, MISSING, number, percent } from "./format.mjs";
import { make } from "./charts.mjs";

export const byId = (id) => document.getElementById(id);

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// What is set to what it is already costs a browser work.
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export function setStyle(element, name, value) {
  if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value);
}

const PHASES = {
  LOOKING: "looking for pods",
  STANDING: "stand still",
  READY: "ready",
  RUNNING: "running",
  STOPPING: "stopping",
  ENDED: "ended",
};
const WORDS = { info: "INFO", notice: "NOTICE", caution: "CAUTION", stop: "STOP", lost: "SIGNAL LOST" };
// A shape for each severity: circle, diamond, triangle, octagon; a broken wave for a lost signal.
const SHAPES = {
  calm: [["path", { d: "M3 22h8l4-11 7 20 5-13 3 4h7", fill: "none", stroke: "currentColor", "stroke-width": 3.4, "stroke-linecap": "round", "stroke-linejoin": "round" }]],
  info: [["circle", { cx: 20, cy: 20, r: 16.5, fill: "none", stroke: "currentColor", "stroke-width": 3.4 }], ["path", { d: "M20 18v11M20 10.5v1", stroke: "currentColor", "stroke-width": 4, "stroke-linecap": "round" }]],
  notice: [["path", { d: "M20 2 38 20 20 38 2 20z", fill: "none", stroke: "currentColor", "stroke-width": 3.4, "stroke-linejoin": "round" }], ["path", { d: "M20 11v11M20 28.5v.5", stroke: "currentColor", "stroke-width": 4, "stroke-linecap": "round" }]],
  caution: [["path", { d: "M20 3 38 36H2z", fill: "none", stroke: "currentColor", "stroke-width": 3.4, "stroke-linejoin": "round" }], ["path", { d: "M20 14v11M20 30.5v.5", stroke: "currentColor", "stroke-width": 4, "stroke-linecap": "round" }]],
  stop: [["path", { d: "M13 2.5h14L37.5 13v14L27 37.5H13L2.5 27V13z", fill: "none", stroke: "currentColor", "stroke-width": 3.4, "stroke-linejoin": "round" }], ["path", { d: "M11 20h18", stroke: "currentColor", "stroke-width": 5, "stroke-linecap": "round" }]],
  lost: [["path", { d: "M2 22h6l4-9 3 7M24 21l3 9 4-12 2 4h5M17 34 24 6", fill: "none", stroke: "currentColor", "stroke-width": 3.2, "stroke-linecap": "round", "stroke-linejoin": "round" }]],
};
const FITS = [1, 0.94, 0.88, 0.82, 0.76, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4];
const LONG_LOST_MS = 8000;

export class CueBanner {
  constructor(stream) {
    this.stream = stream;
    this.box = byId("cue");
    this.state = "";
    this.lostSince = null;
  }

  draw() {
    const { now, lost } = this.stream;
    this.lostSince = lost && lost !== "ended" ? (this.lostSince ?? performance.now()) : null;
    if (this.lostSince !== null) return this.put("lost", this.lostWords(lost), lost);
    if (!now) return this.put("calm", "Connecting …", "connecting");
    if (now.cue && now.phase !== "ENDED") return this.put(now.cue.severity, now.cue.message, `cue ${now.cue.number}`);
    const silent = now.phase === "RUNNING" ? now.pods.find((pod) => pod.silent_s > 1.5) : undefined;
    if (silent) return this.put("notice", `Nothing comes from the ${silent.foot ? "right" : "left"} pod.`, `silent ${silent.foot}`);
    if (now.trouble.length) return this.put("notice", now.trouble.join(" "), "trouble");
    const told = now.told && now.now_s - now.told.time_s < 20 ? now.told.sentence : null;
    this.put("calm", told ?? now.sentence ?? "", `calm ${told ?? now.sentence}`);
  }

  lostWords(lost) {
    if (lost === "samples") return "No samples come from the pods. The run goes on when they do.";
    const long = performance.now() - this.lostSince > LONG_LOST_MS;
    return `Soleus does not answer. This page goes on by itself when it does.${long ? " If it was started anew, scan its code again." : ""}`;
  }

  put(severity, message, key) {
    setText(byId("cue-word"), WORDS[severity] ?? "");
    setText(byId("cue-message"), message);
    this.fit();
    if (this.state === key) return;
    this.state = key;
    this.box.dataset.severity = severity;
    const shape = this.box.querySelector(".shape");
    shape.replaceChildren(...SHAPES[severity].map(([name, attributes]) => make(name, attributes)));
    delete this.box.dataset.fresh;
    requestAnimationFrame(() => (this.box.dataset.fresh = ""));
  }

  // Take the largest type in which the whole message can be seen.
  fit() {
    const words = this.box.querySelector(".words");
    const key = `${words.textContent}|${this.box.clientWidth}|${this.box.clientHeight}`;
    if (this.fitted === key) return;
    this.fitted = key;
    for (const share of FITS) {
      words.style.fontSize = `${share}em`;
      if (words.scrollHeight <= this.box.clientHeight - 4 && words.scrollWidth <= words.clientWidth + 1) return;
    }
  }
}

// dBm from which on a bar is lit: what makers of phones show.
const BARS_DBM = [-90, -80, -70, -60];

function podView(pod) {
  const box = document.createElement("span");
  box.className = `item pod ${pod.foot ? "right" : "left"}${pod.silent_s > 1.5 || pod.connected === false ? " lost" : ""}`;
  const side = pod.foot ? "right" : "left";
  box.append(Object.assign(document.createElement("span"), { className: "letter", textContent: pod.foot ? "R" : "L" }));
  if (pod.rssi_dbm !== null) {
    const bars = make("svg", { class: "bars", viewBox: "0 0 19 14", role: "img", "aria-label": `${side} signal ${pod.rssi_dbm} dBm` });
    BARS_DBM.forEach((limit, i) => bars.append(make("rect", { x: i * 5, y: 10 - i * 3, width: 3.6, height: 4 + i * 3, rx: 1, class: pod.rssi_dbm >= limit ? "on" : "" })));
    box.append(bars);
  }
  const words = document.createElement("b");
  words.textContent = pod.battery_pct === null ? "" : `${pod.battery_pct} %`;
  box.append(words);
  return box;
}

// The share of samples that will not come, of both pods.
function lostWords(pods) {
  const known = pods.filter((pod) => pod.received !== null);
  const lost = known.reduce((sum, pod) => sum + pod.lost, 0);
  const all = lost + known.reduce((sum, pod) => sum + pod.received, 0);
  return all ? percent((100 * lost) / all, 1) : MISSING;
}

export function drawStatus(stream) {
  const { now, hello } = stream;
  if (!now) return;
  setText(byId("title"), hello.title || "Soleus");
  setText(byId("phase"), PHASES[now.phase] ?? "waiting");
  setText(byId("elapsed"), clock(now.elapsed_s));
  setText(byId("distance"), now.distance_m === null ? MISSING : `${number(now.distance_m / 1000, 2)} km`);
  setText(byId("lap-now"), now.lap ? `${now.lap.number} · ${clock(Math.max(0, now.now_s - now.lap.start_s))}` : MISSING);
  setText(byId("latency"), now.latency_s === null ? MISSING : `${number(now.latency_s, 2)} s`);
  const grade = now.belt_grade ? ` ${number(now.belt_grade * 100, 1)} %` : "";
  setText(byId("belt"), now.belt_speed_mps === null ? MISSING : `${number(now.belt_speed_mps * 3.6, 1)} km/h${grade}`);
  byId("heart").hidden = now.heart_rate_bpm === null;
  setText(byId("heart-rate"), number(now.heart_rate_bpm));
  setText(byId("lost"), lostWords(now.pods));
  const key = JSON.stringify(now.pods.map((pod) => [pod.foot, pod.connected, pod.battery_pct, pod.rssi_dbm, pod.silent_s > 1.5]));
  const pods = byId("pods");
  if (pods.dataset.key !== key) {
    pods.dataset.key = key;
    pods.replaceChildren(...now.pods.map(podView));
  }
}

let toastTimer;
export function toast(words) {
  byId("toast").textContent = words;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (byId("toast").textContent = ""), 4000);
}

export function remember(key, value) {
  try {
    localStorage.setItem(`soleus-${key}`, value);
  } catch {
    // Storage may be forbidden; the choice holds for this page then.
  }
}

export function recall(key) {
  try {
    return localStorage.getItem(`soleus-${key}`);
  } catch {
    return null;
  }
}

export function themeButton() {
  const root = document.documentElement;
  const button = byId("theme");
  const name = () => setText(button, root.dataset.theme === "dark" ? "Light" : "Dark");
  button.addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    remember("theme", root.dataset.theme);
    name();
    dispatchEvent(new Event("themed"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
    if (recall("theme")) return;
    root.dataset.theme = event.matches ? "dark" : "light";
    name();
  });
  name();
}

// The token was in the address once; the cookie holds it now.
export function hideToken() {
  if (new URLSearchParams(location.search).has("token")) history.replaceState(null, "", location.pathname);
}

export function dialogs() {
  for (const dialog of document.querySelectorAll("dialog")) {
    for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
  }
}
