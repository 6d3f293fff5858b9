// Forms that send what is in them to the API and say what came of it. Who may do what, the API decides.
"use strict";

function say(text, wrong) {
  const place = document.getElementById("message");
  if (!place) return;
  place.textContent = text;
  place.classList.toggle("wrong", Boolean(wrong));
}

// The answer's content, or null after saying why not.
async function send(method, path, content, sayWrong) {
  const upload = content instanceof FormData;
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: upload ? {} : { "Content-Type": "application/json" },
      body: content === undefined ? undefined : upload ? content : JSON.stringify(content),
    });
  } catch (error) {
    (sayWrong || say)(said("The bench does not answer. Look whether bmsrescue is running, and try again"), true);
    return null;
  }
  const text = await answer.text();
  const told = text && (answer.headers.get("Content-Type") || "").includes("json") ? JSON.parse(text) : null;
  if (answer.ok) return told || {};
  const error = (told && told.error) || { message: answer.statusText, next_step: "" };
  (sayWrong || say)([error.message, error.next_step].filter(Boolean).join(". "), true);
  return null;
}

// Fields by name, where "rails.v12.low_mv" is a field of an object in an object; empty numbers are left out.
function contentOf(form) {
  const content = form.dataset.body ? JSON.parse(form.dataset.body) : {};
  for (const field of form.elements) {
    if (!field.name) continue;
    const number = field.type === "number" || "number" in field.dataset;
    if (field.type === "checkbox") {
      content[field.name] = content[field.name] || [];
      if (field.checked) content[field.name].push(field.value);
      continue;
    }
    if (number && field.value === "") continue;
    const path = field.name.split(".");
    const last = path.pop();
    const holder = path.reduce((inside, part) => (inside[part] = inside[part] || {}), content);
    holder[last] = number ? Number(field.value) : field.value;
  }
  return content;
}

function uploadOf(form) {
  const content = new FormData();
  for (const field of form.elements) {
    if (field.type === "file") [...field.files].forEach((file) => content.append(field.name, file));
    else if (field.name && field.value !== "") content.append(field.name, field.value);
  }
  return content;
}

document.querySelectorAll("form[data-send]").forEach((form) => {
  const wrong = document.createElement("p");
  wrong.className = "wrong";
  wrong.setAttribute("role", "alert");
  form.append(wrong);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    wrong.textContent = "";
    const [method, path] = form.dataset.send.split(" ");
    const upload = form.querySelector("input[type=file][name]");
    const told = await send(method, path, upload ? uploadOf(form) : contentOf(form), (text) => {
      wrong.textContent = `✖ ${text}`;
    });
    if (!told) return;
    if (form.dataset.show) {
      const place = document.getElementById(form.dataset.show);
      place.hidden = false;
      const output = place.querySelector("output");
      output.textContent = told[form.dataset.show];
      const picture = place.querySelector("img");
      if (picture && told.picture) picture.src = told.picture;
      output.focus();
      form.reset();
      return;
    }
    sessionStorage.setItem("flash", form.dataset.done);
    location.assign(form.dataset.then || location.pathname);
    if (form.dataset.then === location.pathname || !form.dataset.then) location.reload();
  });
});

const flash = document.getElementById("flash");
if (flash && sessionStorage.getItem("flash")) {
  flash.textContent = `✔ ${sessionStorage.getItem("flash")}`;
  sessionStorage.removeItem("flash");
}

// What has to be typed for a consent follows from what is ticked.
const consent = document.getElementById("consent");
if (consent) {
  const show = () => {
    const words = [...consent.querySelectorAll("input[name=words]:checked")].map((box) => box.value);
    const text = words.length ? `allow ${words.join(", ")} on ${consent.dataset.said}` : said("tick what is allowed first");
    document.getElementById("phrase").textContent = text;
  };
  consent.addEventListener("change", show);
  show();
}

// A tester's file fills the field beside it, where it can be looked at before it is sent.
document.querySelectorAll("input[data-fills]").forEach((input) => {
  input.addEventListener("change", async () => {
    if (input.files.length) document.getElementById(input.dataset.fills).value = await input.files[0].text();
  });
});

const print = document.getElementById("print");
if (print) print.addEventListener("click", () => window.print());
