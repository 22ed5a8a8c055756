// The side panel: the bot's process, the simulated provider's tasks and credits, faults to play with, the bot's log.
import { tell } from "./api.js";
import { byId, element } from "./dom.js";
import { follow } from "./follow.js";

const BOT_ACTIONS = [["kill", "Kill -9"], ["stop", "Stop"], ["start", "Start"]];
let say = () => {};
let log = "";
let logToEnd = () => {};

export function start(faults, announce) {
  say = announce;
  logToEnd = follow(byId("log"));
  byId("bot-actions").append(...BOT_ACTIONS.map(([action, label]) =>
    element("button", { type: "button", class: `quiet${action === "kill" ? " danger" : ""}`, id: `bot-${action}`, onclick: (event) => command(event, "/api/bot", { action }) }, label)));
  byId("faults").append(...faults.map(fault));
  byId("panel-toggle").addEventListener("click", () => {
    const hidden = document.body.classList.toggle("no-panel");
    byId("panel-toggle").setAttribute("aria-expanded", String(!hidden));
  });
}

// A fault with choices is a list and a button; one with a state is a check box; the rest are buttons.
function fault(entry) {
  if (entry.toggle) {
    const box = element("input", { type: "checkbox", id: `fault-${entry.name}` });
    box.addEventListener("change", (event) => command(event, "/api/fault", { name: entry.name, on: box.checked }));
    return element("div", { class: "fault" }, element("label", {}, box, entry.label));
  }
  const choices = entry.choices ? element("select", { "aria-label": entry.label }, entry.choices.map((choice) => element("option", {}, choice))) : null;
  const button = element("button", { type: "button", class: "quiet" }, choices ? "Set" : entry.label);
  if (choices) button.setAttribute("aria-label", entry.label);
  button.addEventListener("click", (event) => command(event, "/api/fault", { name: entry.name, choice: choices?.value ?? null }));
  return element("div", { class: "fault" }, choices ? element("small", {}, entry.label) : null, choices, button);
}

async function command(event, path, body) {
  const button = event.currentTarget;
  button.disabled = true;
  try {
    const answer = await tell(path, body);
    if (answer.said) say(answer.said, false);
  } catch (error) {
    say(error.message, true);
  }
  button.disabled = false;
}

export function show(state) {
  const { bot, provider } = state;
  byId("bot-state").replaceChildren(element("span", { class: `dot ${bot.dot}`, "aria-hidden": "true" }), bot.says);
  byId("bot-kill").disabled = byId("bot-stop").disabled = !bot.running;
  byId("bot-start").disabled = bot.running;
  byId("bot-offline").hidden = bot.connected;
  byId("bot-offline").textContent = bot.running ? "The bot is starting…" : "The bot is not running. Start it in the side panel: what it was doing goes on.";
  byId("credits").replaceChildren(...Object.entries(provider.credits).flatMap(([name, amount]) => [element("dt", {}, name), element("dd", {}, amount)]));
  byId("tasks").replaceChildren(...(provider.tasks.length ? provider.tasks.map(task) : [element("p", { class: "empty" }, "No tasks yet.")]));
  byId("provider-title").textContent = `Simulated provider: ${provider.title}`;
  for (const [name, on] of Object.entries(provider.toggles)) byId(`fault-${name}`).checked = on;
  byId("faults-state").textContent = provider.waiting;
  showLog(state.log);
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
