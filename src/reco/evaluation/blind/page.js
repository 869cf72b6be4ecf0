"use strict";
// Texts of sources only ever become text nodes: nothing here writes markup.
const data = JSON.parse(document.getElementById("data").textContent);
const CHOICES = ["left", "right", "equal", "neither"];
const GRADES = [2, 1, 0];
const store = `reco-blind-${data.comparison}`;
const $ = (id) => document.getElementById(id);
const state = { at: 0, language: "fr", answers: {} };

function restore() {
  try {
    const kept = JSON.parse(localStorage.getItem(store) ?? "{}");
    Object.assign(state, kept);
    state.at = Math.min(state.at, data.pairs.length - 1);
    return true;
  } catch {
    return false; // private windows and strict browsers refuse: the page says so
  }
}

function keep() {
  try {
    localStorage.setItem(store, JSON.stringify(state));
    return true;
  } catch {
    return false;
  }
}

function say(key, values = {}) {
  return data.texts[state.language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function answer() {
  const id = data.pairs[state.at].id;
  return (state.answers[id] ??= { preference: null, grades: {} });
}

function prefer(choice) {
  const given = answer();
  given.preference = given.preference === choice ? null : choice;
  update();
}

function grade(id, value) {
  const grades = answer().grades;
  if (grades[id] === value) delete grades[id];
  else grades[id] = value;
  update();
}

function move(step) {
  const next = state.at + step;
  if (next < 0 || next >= data.pairs.length) return;
  state.at = next;
  draw();
  window.scrollTo(0, 0);
  $("where").focus({ preventScroll: true });
}

function result(id, shared) {
  const { title, about, summary, url } = data.resources[id];
  const name = url
    ? element("a", { href: url, target: "_blank", rel: "noopener noreferrer", textContent: title })
    : element("span", { textContent: title });
  name.classList.add("name");
  const item = element("li", {}, name);
  if (shared.has(id)) item.append(" ", element("span", { className: "tag", textContent: say("both") }));
  if (about) item.append(element("p", { className: "about", textContent: about }));
  if (summary) item.append(element("p", { className: "summary", textContent: summary }));
  const grades = element("div", { className: "grades" });
  grades.setAttribute("role", "group");
  grades.setAttribute("aria-label", `${say("grades")} ${title}`);
  for (const value of GRADES) {
    const button = element("button", { type: "button", textContent: say(`grade_${value}`) });
    button.dataset.id = id;
    button.dataset.grade = value;
    button.addEventListener("click", () => grade(id, value));
    grades.append(button);
  }
  item.append(grades);
  return item;
}

function draw() {
  const pair = data.pairs[state.at];
  document.documentElement.lang = state.language;
  document.title = say("title");
  for (const place of document.querySelectorAll("[data-say]")) place.textContent = say(place.dataset.say);
  $("where").textContent = say("request", { number: state.at + 1, total: data.pairs.length });
  $("asked").textContent = pair.text;
  const shared = new Set(pair.lists[0].filter((id) => pair.lists[1].includes(id)));
  pair.lists.forEach((ids, side) => {
    const place = $(`list-${side + 1}`);
    place.replaceChildren(...ids.map((id) => result(id, shared)));
    $(`empty-${side + 1}`).hidden = ids.length > 0;
  });
  $("previous").disabled = state.at === 0;
  $("next").disabled = state.at === data.pairs.length - 1;
  update();
}

function update() {
  const given = answer();
  for (const choice of CHOICES) $(choice).setAttribute("aria-pressed", String(given.preference === choice));
  $("side-1").classList.toggle("chosen", given.preference === "left");
  $("side-2").classList.toggle("chosen", given.preference === "right");
  for (const button of document.querySelectorAll("[data-grade]")) {
    const pressed = given.grades[button.dataset.id] === Number(button.dataset.grade);
    button.setAttribute("aria-pressed", String(pressed));
  }
  const count = Object.values(state.answers).filter((one) => one.preference).length;
  $("done").textContent = say("done", { count, total: data.pairs.length });
  $("bar").max = data.pairs.length;
  $("bar").value = count;
  $("kept").textContent = say(keep() && readable ? "kept" : "not_kept");
}

function exported() {
  const judgements = data.pairs
    .map((pair) => ({ request: pair.id, preference: null, grades: {}, ...state.answers[pair.id] }))
    .filter((one) => one.preference || Object.keys(one.grades).length);
  return JSON.stringify({ format: data.format, comparison: data.comparison, judgements }, null, 1) + "\n";
}

function download() {
  const address = URL.createObjectURL(new Blob([exported()], { type: "application/json" }));
  const name = `judgements-${data.comparison.slice(0, 8)}.json`;
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  // By the place of the key: the digits of a French keyboard need Shift.
  const digit = /^(?:Digit|Numpad)([1-4])$/.exec(event.code);
  if (digit) prefer(CHOICES[digit[1] - 1]);
  else if (event.key === "ArrowLeft") move(-1);
  else if (event.key === "ArrowRight") move(1);
  else return;
  event.preventDefault();
});
for (const choice of CHOICES) $(choice).addEventListener("click", () => prefer(choice));
$("previous").addEventListener("click", () => move(-1));
$("next").addEventListener("click", () => move(1));
$("export").addEventListener("click", download);
$("language").addEventListener("click", () => {
  state.language = state.language === "fr" ? "en" : "fr";
  draw();
});
const readable = restore();
draw();
