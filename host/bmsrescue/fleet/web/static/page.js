// What every view does: follow the daemon's events, count that none is missing, take what a scanner types, draw plots.
"use strict";

const body = document.body;
const byId = (id) => document.getElementById(id);

// -- scanner -------------------------------------------------------------------------------------------------------------

function say(text, wrong) {
  const place = byId("message");
  place.textContent = text;
  place.classList.toggle("wrong", Boolean(wrong));
}

async function post(path, content) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(content || {}),
  });
  const told = answer.status === 202 || answer.status === 204 ? null : await answer.json();
  if (!answer.ok) {
    const error = (told && told.error) || { message: answer.statusText, next_step: "" };
    say([error.message, error.next_step].filter(Boolean).join(". "), true);
    return null;
  }
  return told || {};
}

const scanForm = byId("scan-form");
if (scanForm) {
  const input = byId("scan");
  // A scanner is a keyboard: what it types goes to the field, wherever one has been reading.
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, textarea, select, button, a");
    const typed = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (typed && (!field || (field.matches("a, button") && event.key !== " "))) input.focus();
  });
  scanForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    input.value = "";
    if (!text) return;
    const taken = await post("/api/fleet/scan", { text, station: body.dataset.station || null });
    if (taken) say(text === taken.station ? `station ${text}: now scan the label` : `${text}: station ${taken.station}`);
  });
  document.querySelectorAll("[data-post]").forEach((button) => {
    button.addEventListener("click", async () => {
      const content = button.dataset.body ? JSON.parse(button.dataset.body) : {};
      const path = `/api/fleet/stations/${encodeURIComponent(body.dataset.station)}/${button.dataset.post}`;
      if (await post(path, content)) say(button.textContent + ": done");
    });
  });
}

// -- sound ---------------------------------------------------------------------------------------------------------------

let audio = null;
const soundButton = byId("sound");
if (soundButton) {
  soundButton.addEventListener("click", () => {
    audio = audio ? null : new AudioContext();
    soundButton.setAttribute("aria-pressed", String(audio !== null));
    if (audio) beep(880, 0.08);
  });
}

function beep(hertz, seconds, delay) {
  if (!audio) return;
  const tone = audio.createOscillator();
  tone.frequency.value = hertz;
  tone.connect(audio.destination);
  tone.start(audio.currentTime + (delay || 0));
  tone.stop(audio.currentTime + (delay || 0) + seconds);
}

const SOUNDS = {
  PASS: () => beep(1320, 0.25),
  FAIL: () => [0, 0.3, 0.6].forEach((delay) => beep(220, 0.2, delay)),
};

// -- stations ------------------------------------------------------------------------------------------------------------

const states = {};

function cardOf(name) {
  const found = [...document.querySelectorAll("[data-card]")].find((card) => card.dataset.card === name);
  const template = byId("card-template");
  if (found || !template) return found;
  if (byId("none")) byId("none").remove();
  const card = template.content.firstElementChild.cloneNode(true);
  card.dataset.card = name;
  card.href = `/stations/${encodeURIComponent(name)}`;
  byId("wall").append(card);
  return card;
}

function showStation(status) {
  if (SOUNDS[status.state] && states[status.station] !== status.state) SOUNDS[status.state]();
  if (states[status.station] === "working" && status.state !== "working") htmx.trigger(body, "finished");
  states[status.station] = status.state;
  const card = cardOf(status.station);
  if (!card) return;
  const shown = {
    ...status,
    sentence: status.result ? status.result.sentence : "",
    tally: `${status.counts.PASS} PASS, ${status.counts.FAIL} FAIL`,
  };
  card.dataset.colour = status.colour;
  card.querySelectorAll("[data-field]").forEach((field) => {
    field.textContent = shown[field.dataset.field] || "";
  });
  if (byId("advice") && body.dataset.station === status.station) byId("advice").textContent = status.advice;
}

function log(text) {
  const list = byId("log");
  if (!list) return;
  const item = document.createElement("li");
  item.textContent = text;
  list.append(item);
  while (list.children.length > 200) list.firstChild.remove();
  list.scrollTop = list.scrollHeight;
}

// -- live rails ----------------------------------------------------------------------------------------------------------

const COLOURS = ["#a80f14", "#0b4f9e", "#0b6b2e", "#5b2a86", "#7a5600", "#1a1a1a"];
let rails = null;

function addRails(at, readings) {
  const place = byId("live-rails");
  if (!place || !readings || typeof readings !== "object") return;
  const values = {};
  for (const [name, reading] of Object.entries(readings)) {
    const mv = typeof reading === "number" ? reading : Array.isArray(reading) ? reading[1] : reading && reading.mv;
    if (typeof mv === "number") values[name] = mv / 1000;
  }
  const names = Object.keys(values);
  if (!names.length) return;
  if (!rails) {
    const series = names.map((label, index) => ({ label, stroke: COLOURS[index % COLOURS.length], width: 2 }));
    const plot = new uPlot({ width: 700, height: 260, series: [{}, ...series], axes: [{}, { label: "V" }] }, [[]], place);
    rails = { names, plot, data: [[], ...names.map(() => [])] };
  }
  rails.data[0].push(at);
  rails.names.forEach((name, index) => rails.data[index + 1].push(name in values ? values[name] : null));
  rails.data.forEach((column) => column.length > 600 && column.shift());
  rails.plot.setData(rails.data);
}

// -- events --------------------------------------------------------------------------------------------------------------

const seen = { last: null, lost: 0, count: 0 };
window.seenEvents = seen;

function take(event) {
  if (seen.last !== null && event.number > seen.last + 1) seen.lost += event.number - seen.last - 1;
  seen.last = event.number;
  seen.count += 1;
  byId("lost").textContent = String(seen.lost);
  if (event.name === "station") showStation(event.data);
  if (event.helper !== body.dataset.station) return;
  if (event.name === "rails") addRails(event.at, event.data && event.data.rails ? event.data.rails : event.data);
  if (event.name === "step") log(`${new Date(event.at * 1000).toLocaleTimeString()} ${event.data && event.data.name}`);
}

if (byId("link-state")) {
  // A station's view also shows what has just happened there.
  const source = new EventSource("/api/fleet/events" + (body.dataset.after ? `?after=${body.dataset.after}` : ""));
  source.addEventListener("begin", (message) => {
    // After a restart of the daemon its numbers begin anew.
    const number = Number(message.data);
    if (seen.last === null || number < seen.last) seen.last = number;
    byId("link-state").textContent = "connected";
  });
  source.onmessage = (message) => take(JSON.parse(message.data));
  source.onerror = () => {
    byId("link-state").textContent = "not connected, trying again";
  };
}

// -- figures -------------------------------------------------------------------------------------------------------------

const yieldPlot = byId("yield-plot");
if (yieldPlot) {
  const data = JSON.parse(yieldPlot.dataset.plot);
  if (data[0].length) {
    const edge = { stroke: "#8a8a8a", dash: [4, 4] };
    const series = [{}, { label: "recovered %", stroke: "#0b6b2e", width: 2, points: { show: true } },
      { label: "95 % from", ...edge }, { label: "to", ...edge }];
    new uPlot({ width: 760, height: 280, series, scales: { y: { range: [0, 100] } } }, data, yieldPlot);
  }
}
