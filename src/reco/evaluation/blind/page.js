"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const store = "reco-blind-" + data.comparison;
const state = Object.assign({ place: 0, choices: {}, grades: {}, lang: "fr" }, saved());

function saved() {
  try { return JSON.parse(localStorage.getItem(store) || "{}"); } catch (error) { return {}; }
}

function keep() {
  try { localStorage.setItem(store, JSON.stringify(state)); } catch (error) { /* private window */ }
}

function make(name, text, attributes) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  return element;
}

function grades(request, item, say) {
  const box = make("fieldset");
  box.append(make("legend", say.grade));
  say.grades.forEach((label, grade) => {
    const given = (state.grades[request.id] || {})[item.id] === grade;
    const button = make("button", label, { type: "button", "aria-pressed": String(given) });
    button.addEventListener("click", () => {
      state.grades[request.id] = Object.assign({}, state.grades[request.id], { [item.id]: grade });
      keep(); show();
    });
    box.append(button);
  });
  return box;
}

function list(request, ids, heading, say) {
  const part = make("section");
  part.append(make("h2", heading));
  const items = make("ol");
  for (const id of ids) {
    const item = Object.assign({ id }, data.resources[id]);
    const row = make("li");
    row.append(make("strong", item.title), make("p", item.about), make("p", item.summary));
    row.append(grades(request, item, say));
    items.append(row);
  }
  part.append(ids.length ? items : make("p", say.empty));
  return part;
}

function choose(choice) {
  const request = data.requests[state.place];
  if (!request) return;
  state.choices[request.id] = choice;
  if (state.place < data.requests.length - 1) state.place += 1;
  keep(); show();
}

function move(step) {
  state.place = Math.min(data.requests.length - 1, Math.max(0, state.place + step));
  keep(); show();
}

function exported() {
  const judgements = { comparison: data.comparison, choices: state.choices, grades: state.grades };
  const file = new Blob([JSON.stringify(judgements, null, 1)], { type: "application/json" });
  const link = make("a", "", { href: URL.createObjectURL(file), download: "judgements-" + data.comparison + ".json" });
  link.click();
  URL.revokeObjectURL(link.href);
}

function action(label, pressed, act) {
  const button = make("button", label, { type: "button" });
  if (pressed !== null) button.setAttribute("aria-pressed", String(pressed));
  button.addEventListener("click", act);
  return button;
}

function show() {
  const say = data.texts[state.lang];
  const request = data.requests[state.place];
  document.documentElement.lang = state.lang;
  document.title = say.title;
  const main = document.getElementById("main");
  main.replaceChildren();
  const head = make("header");
  head.append(make("h1", say.title), make("p", say.how));
  head.append(action(say.other, null, () => { state.lang = state.lang === "fr" ? "en" : "fr"; keep(); show(); }));
  main.append(head);
  if (request) {
    main.append(make("blockquote", request.text));
    const bar = make("nav");
    for (const [choice, label] of [["left", say.left], ["right", say.right], ["equal", say.equal], ["neither", say.neither]]) {
      bar.append(action(label, state.choices[request.id] === choice, () => choose(choice)));
    }
    main.append(bar);
    const lists = make("div", undefined, { class: "lists" });
    lists.append(list(request, request.left, say.first, say), list(request, request.right, say.second, say));
    main.append(lists);
  }
  const foot = make("footer");
  const told = say.done.replace("{count}", Object.keys(state.choices).length).replace("{total}", data.requests.length);
  foot.append(action(say.previous, null, () => move(-1)), make("span", told, { role: "status" }));
  foot.append(action(say.next, null, () => move(1)), action(say.export, null, exported));
  main.append(foot);
}

document.addEventListener("keydown", (event) => {
  const choice = { 1: "left", 2: "right", 3: "equal", 4: "neither" }[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (choice) choose(choice);
  else if (event.key === "ArrowLeft") move(-1);
  else if (event.key === "ArrowRight") move(1);
});
show();
