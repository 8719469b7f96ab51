// Draws the report's figures, in the colours of the page; zooms those over time together; prints them in light colours.
"use strict";
(() => {
  const root = document.documentElement;
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const PRINT_WIDTH = 686; // A4 less its margins, at 96 pixels an inch
  const PRINT_HALF = 330;
  const PRINT_SHARE = 0.8; // of a figure's height: three on a page
  const config = { displaylogo: false, displayModeBar: false, responsive: true, doubleClick: "reset+autosize", showTips: false };

  const colour = (token) => {
    const [name, alpha] = token.slice(1).split("/");
    const hex = getComputedStyle(root).getPropertyValue(`--${name}`).trim();
    if (!alpha) return hex;
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
    return `rgba(${r},${g},${b},${alpha})`;
  };
  const coloured = (value) => {
    if (typeof value === "string") return /^@[a-z]+(\/[0-9.]+)?$/.test(value) ? colour(value) : value;
    if (Array.isArray(value)) return value.map(coloured);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, coloured(v)]));
    return value;
  };
  const place = (figure) => document.getElementById(`plot-${figure.name}`);
  const draw = (figure, width) => {
    const layout = coloured(figure.layout);
    if (width) Object.assign(layout, { width, autosize: false, height: PRINT_SHARE * layout.height });
    return Plotly.react(place(figure), coloured(figure.data), layout, config);
  };
  const drawAll = () => figures.forEach((figure) => draw(figure));

  const timed = figures.filter((figure) => figure.time);
  let following = false;
  const follow = (source, moved) => {
    if (following) return;
    const update = {};
    if (moved["xaxis.range[0]"] !== undefined) update["xaxis.range"] = [moved["xaxis.range[0]"], moved["xaxis.range[1]"]];
    else if (moved["xaxis.range"]) update["xaxis.range"] = moved["xaxis.range"].slice();
    else if (moved["xaxis.autorange"]) update["xaxis.range"] = source.layout.xaxis.range.slice();
    else return;
    following = true;
    const others = timed.filter((figure) => figure !== source).map((figure) => Plotly.relayout(place(figure), update));
    Promise.all(others).finally(() => { following = false; });
  };

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  let chosen = "";
  const setTheme = (theme) => {
    root.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light colours" : "Dark colours";
  };
  const wanted = () => chosen || (dark.matches ? "dark" : "light");
  button.addEventListener("click", () => { chosen = wanted() === "dark" ? "light" : "dark"; setTheme(chosen); drawAll(); });
  dark.addEventListener("change", () => { if (!chosen) { setTheme(wanted()); drawAll(); } });
  setTheme(wanted());
  button.hidden = false;

  drawAll();
  timed.forEach((figure) => place(figure).on("plotly_relayout", (moved) => follow(figure, moved)));

  let printing = false;
  const forPaper = () => {
    if (printing) return;
    printing = true;
    root.dataset.theme = "light";
    figures.forEach((figure) => draw(figure, place(figure).closest(".pair") ? PRINT_HALF : PRINT_WIDTH));
  };
  const forScreen = () => {
    printing = false;
    setTheme(wanted());
    figures.forEach((figure) => draw(figure).then((plot) => Plotly.relayout(plot, { width: null, autosize: true })));
  };
  window.addEventListener("beforeprint", forPaper);
  window.addEventListener("afterprint", forScreen);
  root.dataset.ready = "yes";
})();
