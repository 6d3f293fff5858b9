// Plots: rails as they are told, rails over the newest attempts, the yield by week. They are as wide as their place.
"use strict";

const COLOURS = ["--red", "--blue", "--green", "--purple", "--yellow", "--ink"];
const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
const sized = [];
const tzDate = (at) => uPlot.tzDate(new Date(at * 1e3), document.body.dataset.zone || "UTC");

const date = uPlot.fmtDate("{YYYY}-{MM}-{DD}");
const DAY_S = 86400;

// Days, or times of day with the date below the first of each: in the site's zone, written as everywhere on the page.
function moments(_plot, splits, _axis, _space, increment) {
  if (increment >= DAY_S) return splits.map((at) => date(tzDate(at)));
  const time = uPlot.fmtDate(increment < 60 ? "{HH}:{mm}:{ss}" : "{HH}:{mm}");
  const days = splits.map((at) => date(tzDate(at)));
  return splits.map((at, index) => time(tzDate(at)) + (days[index] === days[index - 1] ? "" : `\n${days[index]}`));
}

// `unit`: of the values, which are told with it at their axis. `when`: what a moment is in the legend.
function plotIn(place, height, unit, when, options, data) {
  const axis = (more) => ({ stroke: colour("--ink"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, ...more });
  const axes = [axis({ values: moments, space: 90 }), axis({ values: (_plot, splits) => splits.map((one) => `${figure(one)} ${unit}`), size: 70 })];
  const told = (value) => (value === null || value === undefined ? "–" : figure(value));
  const series = [{ label: said("time"), value: (_plot, at) => (at === null || at === undefined ? "–" : when(tzDate(at))) },
    ...options.series.map((one) => ({ value: (_plot, value) => told(value), ...one }))];
  const plot = new uPlot({ width: Math.max(place.clientWidth, 240), height, padding: [null, 40, null, 8], tzDate, ...options, axes, series }, data, place);
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
    const words = JSON.parse(place.dataset.words || "{}");
    const series = names.map((name, index) => ({ label: words[name] || name, stroke: colour(COLOURS[index % COLOURS.length]), width: 2,
      points: { show: false } }));
    const time = uPlot.fmtDate("{HH}:{mm}:{ss}");
    rails = { names, data: [[], ...names.map(() => [])], plot: plotIn(place, 280, "V", time, { series }, [[]]) };
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
  const series = [{ label: said("recovered, %"), stroke: colour("--green"), width: 2, points: { show: true } },
    { label: said("95 % from"), ...edge }, { label: said("to"), ...edge }];
  const to = data[0][data[0].length - 1] + 3 * DAY_S;
  const from = Math.min(data[0][0] - 3 * DAY_S, to - 30 * DAY_S);
  const scales = { y: { range: [0, 100] }, x: { range: () => [from, to] } };
  const plot = plotIn(place, 280, "%", date, { series, scales }, data);
  const iso = (moment) => new Date(1000 * moment).toISOString().slice(0, 10);
  plot.over.style.cursor = "pointer";
  plot.over.addEventListener("click", () => {
    const monday = data[0][plot.cursor.idx];
    if (monday !== undefined) location.assign(`/attempts?from=${iso(monday)}&to=${iso(monday + 6 * DAY_S)}`);
  });
}

// The newest attempts of a station, a plot for each rail: mV over time, with mean ± 3 s and the limits. A point under the
// pointer says what it is, and leads to its report.
function drawTrends() {
  document.querySelectorAll("[data-trend]").forEach((place) => {
    const told = JSON.parse(place.dataset.trend);
    delete place.dataset.trend;
    // Two records may have come in one second.
    const times = [];
    told.moments.forEach((at) => times.push(times.length && at <= times[times.length - 1] ? times[times.length - 1] + 0.001 : at));
    const level = (value) => times.map(() => value);
    const line = (label, name, dash) => ({ label, stroke: colour(name), dash, points: { show: false } });
    const outside = (value) => (told.low !== null && value < told.low) || (told.high !== null && value > told.high);
    const series = [{ label: "mV", stroke: colour("--blue"), width: 1, points: { show: true, size: 6,
      fill: colour(told.values.some(outside) ? "--red" : "--blue") } },
      line(said("mean"), "--quiet"), line("−3 s", "--quiet", [4, 4]), line("+3 s", "--quiet", [4, 4])];
    const data = [times, told.values, level(told.mean), level(told.lower), level(told.upper)];
    for (const [label, value] of [[said("lowest"), told.low], [said("highest"), told.high]]) {
      if (value === null) continue;
      series.push(line(label, "--red"));
      data.push(level(value));
    }
    const when = uPlot.fmtDate("{YYYY}-{MM}-{DD} {HH}:{mm}");
    const plot = plotIn(place, 190, "mV", when, { series, cursor: { focus: { prox: 30 } } }, data);
    plot.over.style.cursor = "pointer";
    plot.over.addEventListener("click", () => {
      const index = plot.cursor.idx;
      if (index !== null && index !== undefined) location.assign(`/attempts/${told.records[index]}`);
    });
  });
}

drawYield();
drawTrends();
document.body.addEventListener("htmx:afterSwap", drawTrends);
