// Who looks at which channel, and the stream that keeps the page true. Everything else is in the modules below.
import { ask, tell, watch } from "./api.js";
import * as composer from "./composer.js";
import { openModal } from "./dialogs.js";
import { avatar, byId, element } from "./dom.js";
import { useCdn } from "./media.js";
import * as messages from "./messages.js";
import { names } from "./names.js";
import * as panel from "./panel.js";

const DIRECT = "direct";
let start = null;
let person = null;
let channel = null;
const read = new Map(); // person key → how many direct messages that person has seen

const where = () => ({ person: person.key, channel: channel.key });
const context = { where, command: "", people: [], channels: [] };

function say(text, wrong) {
  byId("status").textContent = text;
  byId("status").classList.toggle("wrong", wrong);
}

// Returns whether the bot acknowledged. What went wrong is said above the command line.
async function act(action, files = {}) {
  say("", false);
  try {
    const outcome = await tell("/api/act", { ...where(), ...action }, files);
    if (outcome.modal) openModal(outcome.modal, (values, chosen) => act({ kind: "modal", modal_id: outcome.modal.id, values }, chosen));
    if (!outcome.acknowledged) say("The application did not respond", true);
    return outcome.acknowledged;
  } catch (error) {
    say(error.message, true);
    return false;
  }
}

function look(nextPerson, nextChannel) {
  person = nextPerson;
  channel = nextChannel;
  const direct = channel.key === DIRECT;
  document.title = `${direct ? "Direct messages" : `#${channel.name}`} · Seedance playground`;
  byId("channel-title").textContent = direct ? "@ Direct messages" : `# ${channel.name}`;
  byId("channel-topic").textContent = direct
    ? `What the bot wrote to ${person.name} alone`
    : "A simulated Discord. The bot beside it is the real one, unmodified.";
  messages.clear(direct
    ? { title: "Direct messages", text: `Between ${person.name} and the bot.` }
    : { title: `Welcome to #${channel.name}!`, text: "Clips appear here. Switch person on the left to see what others see; messages marked “Only you can see this” stay with their reader." });
  drawPeople();
  drawChannels(0);
  say("", false);
  watch(where(), {
    messages: (sent) => messages.show(sent, person, act),
    commands: offer,
    panel: panel.show,
    direct: countDirect,
  }, (connected) => say(connected ? "" : "The playground is not running any more. Start it again and this page comes back.", !connected));
}

function drawPeople() {
  byId("people").replaceChildren(...start.people.map((one) => {
    const chosen = one.key === person.key;
    const button = element("button", { type: "button", class: "person", role: "radio", "aria-checked": String(chosen), tabindex: chosen ? "0" : "-1", "data-person": one.key, onclick: () => look(one, channel) },
      avatar(one), element("span", {}, element("span", { class: "name" }, one.name), element("span", { class: "role" }, one.role)));
    button.addEventListener("keydown", (event) => roam(event, one));
    return button;
  }));
}

function roam(event, one) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = start.people[(start.people.indexOf(one) + step + start.people.length) % start.people.length];
  look(next, channel);
  document.querySelector(`[data-person="${next.key}"]`).focus();
}

function drawChannels(directCount) {
  const button = (one, sign, count) => element("button",
    { type: "button", class: "channel", "aria-current": one.key === channel.key ? "true" : null, onclick: () => look(person, one) },
    element("span", { class: "sign", "aria-hidden": "true" }, sign), one.name, count ? element("span", { class: "count" }, count) : null);
  byId("channels").replaceChildren(
    element("h2", {}, "Text channels"), ...start.channels.map((one) => button(one, "#")),
    element("h2", {}, "Direct messages"), button({ key: DIRECT, name: start.application.name }, "@", directCount));
}

function offer(registered) {
  composer.offer(registered);
  messages.offerMenus(registered);
}

function countDirect(total) {
  if (channel.key === DIRECT) read.set(person.key, total);
  drawChannels(Math.max(0, total - (read.get(person.key) ?? 0)));
}

async function begin() {
  start = await ask("/api/start");
  start.people.forEach((one, at) => { one.hue = at % 4; });
  names.load(start);
  useCdn(start.cdn_origin);
  Object.assign(context, { people: start.people, channels: start.channels });
  panel.start(start.faults, say);
  composer.start(context, act);
  look(start.people[0], start.channels[0]);
}

begin().catch((error) => say(error.message, true));
