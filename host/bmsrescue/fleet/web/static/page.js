// What every view does: follow the daemon's events, count that none is missing, take what a scanner types.
"use strict";

const body = document.body;
// The site's own zone, as everywhere on the page.
const clockTime = (ms) => new Date(ms).toLocaleTimeString("en-GB", { timeZone: body.dataset.zone || "UTC" });
const byId = (id) => document.getElementById(id);

// -- scanner and buttons -------------------------------------------------------------------------------------------------

const scanForm = byId("scan-form");
if (scanForm) {
  const input = byId("scan");
  // A scanner is a keyboard: what it types goes to the field, wherever one has been reading.
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, textarea, select, button, a, summary");
    const typed = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (typed && (!field || field.matches("a, button, summary"))) input.focus();
  });
  scanForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    input.value = "";
    if (!text) return;
    if (text.startsWith("bmsr_")) {
      // A badge: whoever it belongs to is logged in here from now on.
      const answer = await fetch("/login", { method: "POST", body: new URLSearchParams({ badge: text }) });
      if (answer.ok) location.reload();
      else say(said("This badge is not known, or has run out. Ask an engineer."), true);
      return;
    }
    const taken = await send("POST", "/api/fleet/scan", { text, station: body.dataset.station || null });
    if (taken) say(text === taken.station ? said("station {0}: now scan the label", text) : said("{0}: station {1}", text, taken.station));
  });
}

document.querySelectorAll("[data-post]").forEach((button) => {
  button.addEventListener("click", async () => {
    const content = button.dataset.body ? JSON.parse(button.dataset.body) : {};
    const path = `/api/fleet/stations/${encodeURIComponent(body.dataset.station)}/${button.dataset.post}`;
    if (await send("POST", path, content)) say(said("{0}: done", button.textContent));
  });
});

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
  "CHECK CONFIG": () => [0, 0.35].forEach((delay) => beep(880, 0.25, delay)),
  "NOT PROVEN": () => [0, 0.35, 0.7].forEach((delay) => beep(660, 0.25, delay)),
  "check wires": () => [0, 0.2].forEach((delay) => beep(660, 0.1, delay)),
  FAIL: () => [0, 0.3, 0.6].forEach((delay) => beep(220, 0.2, delay)),
};

// -- stations ------------------------------------------------------------------------------------------------------------

const states = {};
const STEPS = JSON.parse(body.dataset.steps || "{}");

function knownCard(name) {
  return [...document.querySelectorAll("[data-card]")].find((card) => card.dataset.card === name);
}

function cardOf(name) {
  const found = knownCard(name);
  const template = byId("card-template");
  if (found || !template) return found;
  if (byId("none")) byId("none").remove();
  const card = template.content.firstElementChild.cloneNode(true);
  card.dataset.card = name;
  card.href = `/stations/${encodeURIComponent(name)}`;
  const after = [...byId("wall").children].find((one) => one.dataset.card
    && one.dataset.card.localeCompare(name, undefined, { numeric: true }) > 0);
  byId("wall").insertBefore(card, after || null);
  return card;
}

function showStation(status) {
  const before = states[status.station];
  if (SOUNDS[status.state] && before !== undefined && before !== status.state) SOUNDS[status.state]();
  if (states[status.station] === "working" && status.state !== "working") htmx.trigger(body, "finished");
  states[status.station] = status.state;
  const card = cardOf(status.station);
  if (!card) return;
  const check = status.counts["CHECK CONFIG"];
  const left = status.left_s;
  const shown = {
    ...status,
    state: said(status.state),
    step: said(STEPS[status.step] || status.step),
    left: left === null || left === undefined ? "" : `· ${said("about {0} left", left < 120 ? `${left} s` : `${Math.floor(left / 60)} min`)}`,
    sentence: status.result ? status.result.sentence : "",
    tally: `${status.counts.PASS} ${said("PASS")}, ${check ? `${check} ${said("CHECK CONFIG")}, ` : ""}${status.counts.FAIL} ${said("FAIL")}`,
  };
  card.dataset.colour = status.colour;
  card.dataset.state = status.state;
  card.querySelectorAll("[data-field]").forEach((field) => {
    field.textContent = shown[field.dataset.field] || "";
  });
  showProgress(card, null);
  const bar = card.querySelector("[data-bar]");
  if (status.share === null) bar.removeAttribute("style");
  else bar.style.setProperty("--share", status.share);
  if (byId("advice") && body.dataset.station === status.station) byId("advice").textContent = said(status.advice);
}

function showProgress(card, told) {
  if (!card) return;
  const share = told && told.total > 0 ? Math.min(1, told.done / told.total) : null;
  card.querySelector("[data-progress]").textContent = share === null ? "" : `· ${Math.round(100 * share)} %`;
}

// -- one station: steps, log, displays -----------------------------------------------------------------------------------

function log(at, text, wrong) {
  const list = byId("log");
  if (!list) return;
  const below = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const item = document.createElement("li");
  item.textContent = `${clockTime(at * 1000)} ${text}`;
  item.classList.toggle("wrong", Boolean(wrong));
  list.append(item);
  while (list.children.length > 300) list.firstChild.remove();
  if (below) list.scrollTop = list.scrollHeight;
}

function tellStep(event) {
  const data = event.data || {};
  if (event.name === "step") log(event.at, data.index === undefined ? data.name : `${data.index + 1}/${data.count} ${said(STEPS[data.name] || data.name)}`);
  if (event.name === "step-end" && data.outcome !== "ok") log(event.at, `${said(STEPS[data.name] || data.name)}: ${data.outcome}`, true);
  if (event.name === "diagnosis") log(event.at, said("diagnosis: {0}", data.sentence || data.cause));
  if (event.name === "plan") (data.lines || []).forEach((line) => log(event.at, said("plan: {0}", line)));
  if (event.name === "error") log(event.at, `${data.message}`, true);
  if (event.name === "outcome") log(event.at, `${data.outcome}: ${data.sentence}`);
}

// The helper's 128x64 picture: each byte is eight rows of one column, the least significant bit on top.
function drawFront(frame) {
  const canvas = byId("front");
  const bytes = atob(frame);
  const context = canvas.getContext("2d");
  const image = context.createImageData(128, 64);
  for (let y = 0; y < 64; y += 1) {
    for (let x = 0; x < 128; x += 1) {
      const lit = (bytes.charCodeAt((y >> 3) * 128 + x) >> (y & 7)) & 1;
      image.data.set(lit ? [200, 230, 255, 255] : [10, 14, 20, 255], (y * 128 + x) * 4);
    }
  }
  context.putImageData(image, 0, 0);
  canvas.hidden = false;
}

function showDisplays(data) {
  if (!byId("front") || !data) return;
  if (typeof data.front === "string") {
    drawFront(data.front);
    byId("front-note").hidden = true;
  }
  if (Array.isArray(data.unit)) {
    byId("unit-display").textContent = data.unit.length ? data.unit.join("\n") : said("(dark)");
    byId("unit-display").hidden = false;
    byId("unit-note").hidden = true;
  }
}

if (byId("displays")) showDisplays(JSON.parse(byId("displays").dataset.shown));

// -- events --------------------------------------------------------------------------------------------------------------

const seen = { last: null, lost: 0, count: 0 };
window.seenEvents = seen;

function take(event) {
  if (seen.last !== null && event.number > seen.last + 1) seen.lost += event.number - seen.last - 1;
  seen.last = event.number;
  seen.count += 1;
  byId("lost").textContent = String(seen.lost);
  if (event.name === "station") showStation(event.data);
  if (event.name === "progress") showProgress(knownCard(event.helper), event.data);
  if (event.helper !== body.dataset.station) return;
  if (event.name === "rails") addRails(event.at, event.data && event.data.rails ? event.data.rails : event.data);
  if (event.name === "display") showDisplays(event.data);
  tellStep(event);
}

// What is shown is true as long as the daemon tells: when nothing has come for longer than it is ever silent, the view
// goes grey and says since when.
const SILENCE_MS = 40000;
const AGAIN_MS = 2000;
let heard = Date.now();
let stale = false;

function goStale() {
  if (stale) return;
  stale = true;
  body.classList.add("stale");
  byId("stale").textContent = said("Not up to date since {0}: the daemon does not answer. Go by the helpers' own lights.",
    clockTime(heard));
  byId("stale").hidden = false;
  byId("link-state").textContent = said("not connected, trying again");
}

function goFresh() {
  heard = Date.now();
  byId("link-state").textContent = said("connected");
  if (!stale) return;
  stale = false;
  body.classList.remove("stale");
  byId("stale").hidden = true;
}

// After a restart of the daemon, or a long silence, nothing is known of what was not told.
async function catchUp() {
  const answer = await fetch(`/api/fleet/stations?language=${LANGUAGE}`, { cache: "no-store" });
  if (answer.status === 401) {
    location.assign("/login");
    return;
  }
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const stations = await answer.json();
  const names = stations.map((one) => one.station);
  document.querySelectorAll("[data-card]").forEach((card) => {
    if (!names.includes(card.dataset.card) && byId("wall")) card.remove();
  });
  stations.forEach(showStation);
}

let source = null;

function follow() {
  // A station's view also shows what has just happened there.
  const after = seen.last === null ? body.dataset.after : seen.last;
  const query = body.dataset.station
    ? `?station=${encodeURIComponent(body.dataset.station)}&after=${after}`
    : "?station=" + (seen.last === null ? "" : `&after=${seen.last}`);
  source = new EventSource(`/api/fleet/events${query}&language=${LANGUAGE}`);
  source.addEventListener("begin", async (message) => {
    // What happened before this is not told; after a restart of the daemon its numbers begin anew.
    const number = Number(message.data);
    const missed = stale || seen.last === null || number < seen.last;
    if (seen.last === null || number < seen.last) seen.last = number;
    try {
      if (missed) await catchUp();
      goFresh();
    } catch (_error) {
      again();
    }
  });
  source.addEventListener("alive", goFresh);
  source.onmessage = (message) => {
    heard = Date.now();
    take(JSON.parse(message.data));
  };
  source.onerror = again;
}

// A browser asks again by itself only when the connection broke, not when it was refused.
async function again() {
  source.close();
  goStale();
  await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  try {
    const answer = await fetch("/api/fleet/stations", { cache: "no-store" });
    if (answer.status === 401) {
      location.assign("/login");
      return;
    }
  } catch (_error) {
    // the daemon is away
  }
  follow();
}

if (byId("link-state")) {
  follow();
  setInterval(() => Date.now() - heard > SILENCE_MS && goStale(), 1000);
  // A browser keeps the views one has left, with their connections, and has six for a server: the seventh view would
  // wait for a minute.
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

const languages = byId("language");
if (languages) {
  languages.addEventListener("change", () => {
    document.cookie = `bmsrescue_language=${languages.value}; path=/; max-age=31536000; samesite=strict`;
    location.reload();
  });
}
