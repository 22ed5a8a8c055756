// The side panel: the bot's process, each simulated provider with its tasks, credits and faults to play with, the bot's log.
import { tell } from "./api.js";
import { byId, element } from "./dom.js";
import { follow } from "./follow.js";

const BOT_ACTIONS = [["kill", "Kill -9"], ["stop", "Stop"], ["start", "Start"]];
const NARROW = matchMedia("(max-width: 1080px)"); // the same width as in layout.css: there the panel lies over the messages
const TABS = ["bot", "server"];
let say = () => {};
let log = "";
let logToEnd = () => {};

export function start(providers, announce) {
  say = announce;
  logToEnd = follow(byId("log"));
  byId("bot-actions").append(...BOT_ACTIONS.map(([action, label]) =>
    element("button", { type: "button", class: `quiet${action === "kill" ? " danger" : ""}`, id: `bot-${action}`, onclick: (event) => command(event, "/api/bot", { action }) }, label)));
  byId("providers").append(...providers.map((entry, place) => provider(entry, place === 0)));
  for (const name of TABS) byId(`tab-${name}`).addEventListener("click", () => choose(name));
  byId("tabs").addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = TABS.find((name) => byId(`tab-${name}`).getAttribute("aria-selected") !== "true");
    choose(other);
    byId(`tab-${other}`).focus();
  });
  byId("panel-toggle").addEventListener("click", () => toggle(document.body.classList.contains("no-panel")));
  byId("panel-close").addEventListener("click", () => { toggle(false); byId("panel-toggle").focus(); });
  NARROW.addEventListener("change", () => toggle(!NARROW.matches));
  toggle(!NARROW.matches);
}

function toggle(open) {
  document.body.classList.toggle("no-panel", !open);
  byId("panel-toggle").setAttribute("aria-expanded", String(open));
}

function choose(chosen) {
  for (const name of TABS) {
    byId(`tab-${name}`).setAttribute("aria-selected", String(name === chosen));
    byId(`tab-${name}`).tabIndex = name === chosen ? 0 : -1;
    byId(`pane-${name}`).hidden = name !== chosen;
  }
}

const part = (name, what) => `${name}-${what}`;

function provider({ name, title, faults }, open) {
  return element("section", { class: "provider", "data-provider": name, "aria-labelledby": part(name, "title") },
    element("h2", { id: part(name, "title") }, `Simulated provider: ${title}`),
    element("dl", { class: "figures", id: part(name, "credits") }),
    element("div", { class: "tasks", id: part(name, "tasks") }),
    element("details", { class: "faults", open }, element("summary", {}, "Make things go wrong"), faults.map((entry) => fault(name, entry))),
    element("p", { class: "faults-state", id: part(name, "waiting"), role: "status" }));
}

// A fault with choices is a list and a button; one with a state is a check box; the rest are buttons.
function fault(name, entry) {
  const wish = { provider: name, name: entry.name };
  if (entry.toggle) {
    const box = element("input", { type: "checkbox", id: part(name, entry.name) });
    box.addEventListener("change", (event) => command(event, "/api/fault", { ...wish, on: box.checked }));
    return element("div", { class: "fault" }, element("label", {}, box, entry.label));
  }
  const choices = entry.choices ? element("select", { "aria-label": entry.label }, entry.choices.map((choice) => element("option", {}, choice))) : null;
  const button = element("button", { type: "button", class: "quiet" }, choices ? "Set" : entry.label);
  if (choices) button.setAttribute("aria-label", entry.label);
  button.addEventListener("click", (event) => command(event, "/api/fault", { ...wish, choice: choices?.value ?? null }));
  return element("div", { class: "fault" }, choices ? element("small", {}, entry.label) : null, choices, button);
}

async function command(event, path, body) {
  const button = event.currentTarget;
  button.disabled = true;
  try {
    const answer = await tell(path, body);
    if (answer.said) say(answer.said);
  } catch (error) {
    say(error.message, true);
  }
  button.disabled = false;
}

export function show(state) {
  const { bot } = state;
  byId("bot-state").replaceChildren(element("span", { class: `dot ${bot.dot}`, "aria-hidden": "true" }), bot.says);
  byId("bot-kill").disabled = byId("bot-stop").disabled = !bot.running;
  byId("bot-start").disabled = bot.running;
  byId("bot-offline").hidden = bot.connected;
  byId("bot-offline").textContent = bot.running ? "The bot is starting…" : "The bot is not running. Start it in the side panel: what it was doing goes on.";
  for (const [name, provider] of Object.entries(state.providers)) showProvider(name, provider);
  showLog(state.log);
}

function showProvider(name, { credits, tasks, toggles, waiting }) {
  byId(part(name, "credits")).replaceChildren(...Object.entries(credits).flatMap(([label, amount]) => [element("dt", {}, label), element("dd", {}, amount)]));
  byId(part(name, "tasks")).replaceChildren(...(tasks.length ? tasks.map(task) : [element("p", { class: "empty" }, "No tasks yet.")]));
  for (const [toggle, on] of Object.entries(toggles)) byId(part(name, toggle)).checked = on;
  byId(part(name, "waiting")).textContent = waiting;
}

function task(entry) {
  return element("div", { class: "task" },
    element("div", { class: "top" }, element("code", {}, entry.id), element("span", { class: `state ${entry.status}` }, entry.status)),
    element("div", { class: "prompt", title: entry.prompt }, entry.prompt),
    element("div", { class: "facts" }, entry.facts));
}

function showLog(text) {
  if (text === log) return;
  log = text;
  byId("log").textContent = text.replace(/\x1b\[[0-9;]*m/g, "");
  logToEnd();
}
