// The runner's page.
import { draw, make } from "./charts.mjs";
import { clock, difference, MISSING, number, shown } from "./format.mjs";
import { byId, CueBanner, dialogs, drawStatus, hideToken, recall, remember, setAttribute, setStyle, setText, themeButton, toast } from "./parts.mjs";
import { Sound } from "./sound.mjs";
import { press, Stream } from "./stream.mjs";
import { least, points } from "./trend.mjs";

const FIXED = ["cadence_spm", "achilles_impulse_bws"];
const DEFAULT_THIRD = "contact_time_s";
const FEET_SHOWN_PCT = 10; // asymmetry at which the balance mark stands at the end of its rail
const DIGIT_EM = 0.556; // width of a digit of the figures' type, over its size
const POINT_EM = 0.278;
const LETTER_SPACING_EM = -0.02;
const TREND_STILL_MS = 1000;
const CUE_FRESH_S = 6; // an older cue, met on opening the page, is shown but not sounded

hideToken();
dialogs();
themeButton();
const stream = new Stream("runner");
const banner = new CueBanner(stream);
const sound = new Sound();
const cards = [...document.querySelectorAll(".card")].map(buildCard);
let third = recall("third") ?? DEFAULT_THIRD;
let trendSlot = 1;
let lastCue = null;
let beatRate = Number(recall("beat")) || null;

function metricOf(slot) {
  return slot < 2 ? FIXED[slot] : third;
}

function buildCard(box, slot) {
  const title = document.createElement("h2");
  const label = document.createElement(slot === 2 ? "button" : "span");
  label.className = slot === 2 ? "plain" : "label";
  if (slot === 2) {
    label.type = "button";
    label.addEventListener("click", chooseMetric);
  }
  const [unit, note, value, digits, feet] = ["span", "span", "span", "div", "div"].map((name) => document.createElement(name));
  unit.className = "unit";
  note.className = "note";
  value.className = "value";
  digits.className = "digits";
  feet.className = "feet";
  digits.append(value);
  title.append(label, unit, note);
  const left = footBox("left", "L");
  const right = footBox("right", "R");
  const balance = document.createElement("div");
  balance.className = "balance";
  const rail = make("svg", { viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true" });
  rail.append(make("path", { class: "rail", d: "M3 6H97" }), make("path", { class: "middle", d: "M50 0V12" }), make("path", { class: "mark", d: "" }));
  const words = document.createElement("span");
  balance.append(rail, words);
  feet.append(left.box, balance, right.box);
  box.append(title, digits, feet);
  return { box, label, unit, note, value, left, right, balance, rail, words, feet };
}

function footBox(side, letter) {
  const box = document.createElement("span");
  box.className = `foot ${side}`;
  const sign = Object.assign(document.createElement("span"), { className: "letter", textContent: letter });
  const value = Object.assign(document.createElement("span"), { className: "of-foot" });
  box.append(...(side === "left" ? [sign, value] : [value, sign]));
  return { box, value };
}

// [left, right, both, asymmetry] of any quantity, of the steps or of the run.
function valuesOf(name) {
  const { now } = stream;
  if (now.values[name]) return now.values[name];
  switch (name) {
    case "calf_dose":
      return now.calf_dose ? [...now.calf_dose, null] : [null, null, null, null];
    case "elapsed_s":
    case "distance_m":
    case "heart_rate_bpm":
    case "contact_asymmetry_pct":
      return [null, null, now[name], null];
    default:
      return [null, null, null, null];
  }
}

function widthEm(text) {
  let em = 0;
  for (const letter of text) em += /[.:,]/.test(letter) ? POINT_EM : DIGIT_EM;
  return em + text.length * LETTER_SPACING_EM + 0.04;
}

function drawCard(card, slot) {
  const name = metricOf(slot);
  const quantity = stream.hello.quantities[name];
  const stale = stream.lost === "server" || stream.lost === "samples";
  const [left, right, both, asymmetry] = stale ? [null, null, null, null] : valuesOf(name);
  setText(card.label, slot === 2 ? `${quantity.label} ▾` : quantity.label);
  if (slot === 2) setAttribute(card.label, "aria-label", `Choose the third number, now ${quantity.label}`);
  setText(card.unit, quantity.unit);
  setText(card.note, slot === 1 ? doseNote() : "");
  const text = shown(quantity, both);
  setText(card.value, text);
  // The digits keep their size while the value changes: room for three of them at least.
  const em = Math.max(widthEm(text), widthEm(quantity.decimals ? `0.${"0".repeat(quantity.decimals)}` : "000"));
  setStyle(card.value, "--em", em.toFixed(3));
  const perFoot = Boolean(stream.now.values[name]) || name === "calf_dose";
  setStyle(card.feet, "visibility", perFoot ? "visible" : "hidden");
  setText(card.left.value, shown(quantity, left));
  setText(card.right.value, shown(quantity, right));
  setText(card.words, difference(quantity, asymmetry));
  const share = quantity.signed || asymmetry === null ? null : Math.max(-1, Math.min(1, asymmetry / FEET_SHOWN_PCT));
  const x = share === null ? null : 50 - share * 45;
  setAttribute(card.rail.querySelector(".mark"), "d", x === null ? "" : `M${x.toFixed(1) - 4} 0h8v12h-8z`);
  setStyle(card.rail, "visibility", quantity.signed ? "hidden" : "visible");
}

function doseNote() {
  const { dose_share: share, calf_dose: dose } = stream.now;
  if (share !== null) return `dose ${number(share * 100)} % of max`;
  return dose ? `dose ${number(dose[2] / 1000)} k` : "";
}

let trendDrawn = { key: "", at: 0 };
function drawTrend() {
  const { hello, now } = stream;
  const name = now.values[metricOf(trendSlot)] ? metricOf(trendSlot) : FIXED[1];
  // Drawn anew for a new step, and now and then so that it moves on: each drawing costs a slow tablet a frame.
  const key = `${name} ${stream.boot} ${stream.next} ${innerWidth} ${innerHeight}`;
  if (key === trendDrawn.key && performance.now() - trendDrawn.at < TREND_STILL_MS) return;
  trendDrawn = { key, at: performance.now() };
  const quantity = hello.quantities[name];
  setText(byId("trend-name"), `${quantity.label} (${quantity.unit})`);
  const feet = points(stream, name, hello.trend_s);
  const svg = byId("trend-chart");
  draw(svg, {
    feet,
    span_s: hello.trend_s,
    least: least(name),
    label: (value) => number(value * quantity.factor, quantity.decimals),
    ticks: [[-60, "−60 s"], [-40, "−40 s"], [-20, "−20 s"], [0, "now"]],
    big: true,
  });
  const last = stream.rows.at(-1);
  if (last) document.body.dataset.newestStep = `${stream.next - 1}:${last[1]}`;
  const ends = feet.map((line) => (line.length ? shown(quantity, line.at(-1)[1]) : MISSING));
  svg.setAttribute("aria-label", `${quantity.label} of the last minute; now left ${ends[0]}, right ${ends[1]} ${quantity.unit}`);
}

function drawButtons() {
  const { now, lost } = stream;
  const up = lost !== "server" && lost !== "ended";
  const running = now.phase === "RUNNING";
  const go = byId("go");
  setText(go, running ? "Stop" : "Start");
  go.disabled = !up || !(running || now.phase === "READY");
  byId("lap").disabled = !up || !running;
  byId("pain").disabled = !up || now.phase === "ENDED" || now.phase === null;
  byId("belt-button").disabled = !up || now.phase === "ENDED";
  sound.muted = now.muted;
  const sounding = sound.unlocked && !now.muted;
  const button = byId("sound");
  setText(button, sound.unlocked ? (now.muted ? "Muted" : "Sound on") : "Sound off");
  setAttribute(button, "aria-pressed", String(sounding));
  setAttribute(button, "aria-label", sound.unlocked ? (now.muted ? "Muted; let cues sound" : "Sound on; mute cues") : "Sound off; let cues sound");
  const beat = byId("beat");
  setText(beat, sound.rate === null ? "Beat" : `Beat ${sound.rate}`);
  setAttribute(beat, "aria-pressed", String(sound.rate !== null));
}

function giveCue() {
  const { now } = stream;
  const cue = now.cue;
  if (!cue || cue.number === lastCue) return;
  const met = lastCue === null && now.now_s - cue.time_s > CUE_FRESH_S;
  lastCue = cue.number;
  if (met) return;
  const how = sound.give(cue.severity, cue.message);
  press("/spoken", { cue: cue.number, how }).catch(() => {});
}

let asked = false;
function redraw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    banner.draw();
    if (!stream.now || !stream.hello) return;
    drawStatus(stream);
    cards.forEach(drawCard);
    drawTrend();
    drawButtons();
    setText(byId("disclaimer"), stream.hello.disclaimer);
  });
}

stream.addEventListener("hello", redraw);
stream.addEventListener("steps", redraw);
stream.addEventListener("lost", redraw);
stream.addEventListener("fresh", () => (lastCue = null));
stream.addEventListener("now", () => {
  giveCue();
  redraw();
});
setInterval(() => stream.lost && redraw(), 1000);
addEventListener("resize", redraw);
addEventListener("themed", redraw);
document.addEventListener("visibilitychange", () => {
  if (sound.context) sound.keepAwake();
  redraw();
});

async function push(path, body, done) {
  try {
    await press(path, body);
    if (done) toast(done);
    return true;
  } catch (error) {
    toast(error.message);
    return false;
  }
}

byId("go").addEventListener("click", async () => {
  if (stream.now.phase === "RUNNING") return byId("stop-dialog").showModal();
  sound.unlock().then(redraw);
  push("/start", {});
});
byId("stop-now").addEventListener("click", () => {
  byId("stop-dialog").close();
  push("/stop", {}, "The run ends.");
});
byId("lap").addEventListener("click", () => push("/lap", {}, "Lap"));

const HINTS = [
  [0, ""],
  [1, "Noted. Ease off if it grows."],
  [4, "Pain of 4 or more: stop running, or walk home."],
  [7, "Stop now. See a doctor or physiotherapist; at once after a sudden pop, or with swelling, warmth, numbness or shortness of breath."],
];
for (let rating = 0; rating <= 10; rating++) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: rating });
  button.setAttribute("aria-label", `Pain ${rating} of 10`);
  button.style.setProperty("--shade", rating >= 7 ? "var(--stop)" : rating >= 4 ? "var(--caution)" : rating >= 1 ? "var(--notice)" : "var(--line)");
  button.addEventListener("click", async () => {
    if (!(await push("/pain", { rating }))) return;
    const hint = HINTS.findLast(([from]) => rating >= from)[1];
    if (rating < 4) {
      byId("pain-dialog").close();
      toast(`Pain ${rating} noted. ${hint.replace("Noted. ", "")}`);
    } else {
      const words = document.createElement("p");
      words.append(Object.assign(document.createElement("strong"), { textContent: `Pain ${rating} noted. ` }), hint);
      byId("pain-hint").replaceChildren(words);
    }
  });
  document.querySelector("#pain-dialog .pad").append(button);
}
byId("pain").addEventListener("click", () => {
  byId("pain-hint").replaceChildren();
  byId("pain-dialog").showModal();
});

byId("sound").addEventListener("click", async () => {
  if (!sound.unlocked) {
    await sound.unlock();
    if (stream.now?.muted) await push("/mute", { muted: false });
    toast("Cues sound from now on.");
  } else {
    sound.hush();
    await push("/mute", { muted: !stream.now.muted });
  }
  redraw();
});

function chooseMetric() {
  const box = document.querySelector("#metric-dialog .choices");
  box.replaceChildren(
    ...Object.entries(stream.hello.quantities)
      .filter(([name]) => !FIXED.includes(name))
      .map(([name, quantity]) => {
        const button = Object.assign(document.createElement("button"), { type: "button" });
        button.dataset.metric = name;
        button.append(quantity.label, Object.assign(document.createElement("span"), { className: "unit", textContent: quantity.unit }));
        button.setAttribute("aria-pressed", String(name === third));
        button.addEventListener("click", () => {
          third = name;
          remember("third", name);
          byId("metric-dialog").close();
          redraw();
        });
        return button;
      }),
  );
  byId("metric-dialog").showModal();
}

byId("trend-button").addEventListener("click", () => {
  do trendSlot = (trendSlot + 1) % 3;
  while (!stream.now.values[metricOf(trendSlot)]);
  redraw();
});

function beatChoice(rate) {
  beatRate = Math.max(100, Math.min(240, Math.round(rate)));
  remember("beat", String(beatRate));
  setText(byId("beat-rate"), String(beatRate));
  if (sound.rate !== null) sound.beat(beatRate);
  redraw();
}
byId("beat").addEventListener("click", () => {
  const { now } = stream;
  const own = now?.values.cadence_spm[2] ?? null;
  const suggested = now?.suggested_cadence_spm ?? null;
  beatChoice(beatRate ?? suggested ?? own ?? 170);
  byId("beat-own").disabled = own === null;
  byId("beat-suggested").disabled = suggested === null;
  setText(byId("beat-note"), suggested === null ? "No cadence has been suggested in this run." : `Suggested: ${number(suggested)} steps a minute.`);
  setText(byId("beat-go"), sound.rate === null ? "Start beat" : "Stop beat");
  byId("beat-dialog").showModal();
});
byId("beat-less").addEventListener("click", () => beatChoice(beatRate - 1));
byId("beat-more").addEventListener("click", () => beatChoice(beatRate + 1));
byId("beat-own").addEventListener("click", () => beatChoice(stream.now.values.cadence_spm[2] ?? beatRate));
byId("beat-suggested").addEventListener("click", () => beatChoice(stream.now.suggested_cadence_spm ?? beatRate));
byId("beat-go").addEventListener("click", async () => {
  await sound.unlock();
  sound.beat(sound.rate === null ? beatRate : null);
  byId("beat-dialog").close();
  redraw();
});

byId("belt-button").addEventListener("click", () => {
  byId("belt-kmh").value = stream.now.belt_speed_mps === null ? "" : (stream.now.belt_speed_mps * 3.6).toFixed(1);
  byId("belt-dialog").showModal();
});
byId("belt-form").addEventListener("submit", () => {
  const speed_mps = Number(byId("belt-kmh").value) / 3.6;
  push("/belt", { speed_mps, grade: Number(byId("belt-pct").value) / 100 }, "Belt speed taken.");
});
