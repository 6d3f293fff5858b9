// Plots: rails as they are told, rails over the newest attempts, the yield by week. They are as wide as their place.
"use strict";

const COLOURS = ["--red", "--blue", "--green", "--purple", "--yellow", "--ink"];
const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
const sized = [];

function plotIn(place, height, options, data) {
  const axis = (more) => ({ stroke: colour("--ink"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, ...more });
  const plot = new uPlot(
    { width: Math.max(place.clientWidth, 240), height, ...options, axes: options.axes.map(axis) }, data, place);
  sized.push([plot, place, height]);
  return plot;
}

addEventListener("resize", () => {
  sized.forEach(([plot, place, height]) => plot.setSize({ width: Math.max(place.clientWidth, 240), height }));
});

// -- live rails ----------------------------------------------------------------------------------------------------------

const MOST_POINTS = 3000;
let rails = null;
let drawing = false;

// `at`: seconds. Drawn at most once a frame, however fast they come.
function addRails(at, readings) {
  const place = document.getElementById("live-rails");
  if (!place || !readings || typeof readings !== "object") return;
  const values = {};
  for (const [name, reading] of Object.entries(readings)) {
    const mv = typeof reading === "number" ? reading : Array.isArray(reading) ? reading[1] : reading && reading.mv;
    if (typeof mv === "number") values[name] = mv / 1000;
  }
  const names = Object.keys(values);
  if (!names.length) return;
  if (!rails) {
    place.textContent = "";
    const series = names.map((label, index) => ({ label, stroke: colour(COLOURS[index % COLOURS.length]), width: 2,
      points: { show: false } }));
    const options = { series: [{}, ...series], axes: [{}, { label: "V" }], legend: { live: true } };
    rails = { names, data: [[], ...names.map(() => [])], plot: plotIn(place, 280, options, [[]]) };
  }
  const times = rails.data[0];
  times.push(times.length && at <= times[times.length - 1] ? times[times.length - 1] + 0.001 : at);
  rails.names.forEach((name, index) => rails.data[index + 1].push(name in values ? values[name] : null));
  if (times.length > MOST_POINTS) rails.data.forEach((column) => column.splice(0, column.length - MOST_POINTS));
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    rails.plot.setData(rails.data);
  });
}

// -- figures -------------------------------------------------------------------------------------------------------------

function drawYield() {
  const place = document.getElementById("yield-plot");
  if (!place) return;
  const data = JSON.parse(place.dataset.plot);
  if (!data[0].length) return;
  const edge = { stroke: colour("--quiet"), dash: [4, 4] };
  const series = [{}, { label: "recovered %", stroke: colour("--green"), width: 2, points: { show: true } },
    { label: "95 % from", ...edge }, { label: "to", ...edge }];
  const day = 86400;
  const from = data[0][0] - 3 * day;
  const to = Math.max(data[0][data[0].length - 1], from + 24 * day) + 3 * day;
  const scales = { y: { range: [0, 100] }, x: { range: () => [from, to] } };
  plotIn(place, 280, { series, scales, axes: [{}, { label: "%" }] }, data);
}

// The newest attempts of a station, a plot for each rail: mV by attempt, with mean ± 3 s and the limits.
function drawTrends() {
  document.querySelectorAll("[data-trend]").forEach((place) => {
    const told = JSON.parse(place.dataset.trend);
    delete place.dataset.trend;
    const count = told.values.map((_value, index) => index + 1);
    const level = (value) => count.map(() => value);
    const line = (label, name, dash) => ({ label, stroke: colour(name), dash, points: { show: false } });
    const series = [{ label: "attempt" }, { label: "mV", stroke: colour("--blue"), width: 1, points: { show: true, size: 5 } },
      line("mean", "--quiet"), line("−3 s", "--quiet", [4, 4]), line("+3 s", "--quiet", [4, 4])];
    const data = [count, told.values, level(told.mean), level(told.lower), level(told.upper)];
    for (const [label, value] of [["lowest", told.low], ["highest", told.high]]) {
      if (value === null) continue;
      series.push(line(label, "--red"));
      data.push(level(value));
    }
    plotIn(place, 160, { series, scales: { x: { time: false } }, axes: [{}, { size: 60 }], legend: { show: false } }, data);
  });
}

drawYield();
drawTrends();
document.body.addEventListener("htmx:afterSwap", drawTrends);
