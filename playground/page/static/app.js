// Who looks at which channel, and the stream that keeps the page true. Everything else is in the modules below.
import { ask, tell, watch } from "./api.js";
import * as composer from "./composer.js";
import { openModal } from "./dialogs.js";
import { byId } from "./dom.js";
import { speak } from "./markdown.js";
import { useCdn } from "./media.js";
import { startMenus } from "./menu.js";
import * as messages from "./messages.js";
import { names } from "./names.js";
import * as panel from "./panel.js";
import * as server from "./server.js";
import * as sidebar from "./sidebar.js";

const DIRECT = "direct";
let direct = null; // the channel entry of the direct messages
let person = null;
let channel = null;
let totals = {}; // person key → how many direct messages there are
const read = new Map(); // person key → how many of them that person has seen

const where = () => ({ person: person.key, channel: channel.key });
const context = { where, command: "", place: () => channel };

function say(text, wrong = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("wrong", wrong);
}

// Does something as the chosen person. Returns "" once the bot acknowledged, else the sentence that is also said above the command line.
async function act(action, files = {}) {
  say("");
  const at = where();
  let wrong = "";
  try {
    const outcome = await tell("/api/act", { ...at, ...action }, files);
    if (outcome.modal) openModal(outcome.modal, (values, chosen) => act({ ...at, kind: "modal", modal_id: outcome.modal.id, values }, chosen));
    if (!outcome.acknowledged) wrong = "The application did not respond";
  } catch (error) {
    wrong = error.message;
  }
  if (wrong) say(wrong, true);
  return wrong;
}

// Does with a message what needs no bot.
async function change(verb, message) {
  try {
    say((await tell("/api/server", { ...where(), verb, message_id: message.id })).said);
  } catch (error) {
    say(error.message, true);
  }
}

function look(nextPerson, nextChannel) {
  person = nextPerson;
  speak(person.locale);
  channel = nextChannel;
  describe();
  messages.clear(channel === direct
    ? { title: "Direct messages", text: `Between ${person.name} and the bot.` }
    : { title: `Welcome to #${channel.name}!`, text: "Clips appear here. Switch person on the left to see what others see; messages marked “Only you can see this” stay with their reader." });
  drawSides();
  say("");
  messages.offerMenus([]);
  watch(where(), {
    server: changed,
    messages: (sent) => messages.show(sent, person, act),
    commands: offer,
    panel: panel.show,
    direct: countDirect,
  }, connected);
}

const GONE = "The playground is not running any more. Start it again and this page comes back.";

function connected(isThere) {
  if (!isThere) say(GONE, true);
  else if (byId("status").textContent === GONE) say("");
}

function describe() {
  const name = channel === direct ? "Direct messages" : `#${channel.name}`;
  const marks = channel === direct ? [] : sidebar.marks(channel).map(([, words]) => words);
  const about = channel === direct ? `What the bot wrote to ${person.name} alone` : "A simulated Discord. The bot beside it is the real one, unmodified.";
  document.title = `${name} · Seedance playground`;
  byId("channel-title").textContent = channel === direct ? `@ ${name}` : `# ${channel.name}`;
  byId("channel-topic").textContent = marks.length ? marks.join(" · ") : about;
}

const visible = () => names.channels().filter((one) => one.visible);

// The server changed, maybe so that one no longer sees where one was; then one looks at the first channel that is left.
function changed(state) {
  names.load(state);
  server.show(state);
  if (!person) return;
  person = state.people.find(({ key }) => key === person.key) ?? state.people[0];
  speak(person.locale);
  const still = channel === direct ? direct : visible().find(({ key }) => key === channel.key);
  if (!still) {
    const lost = channel.name;
    look(person, visible()[0] ?? direct);
    say(`${person.name} does not see #${lost}.`);
    return;
  }
  channel = still;
  describe();
  drawSides();
}

function drawSides() {
  const unread = Object.fromEntries(Object.entries(totals).map(([key, total]) => [key, Math.max(0, total - (read.get(key) ?? 0))]));
  sidebar.drawPeople(names.people(), { person, unread, choose: (one) => look(one, channel), menu: (one) => messages.personMenu(one, act) });
  sidebar.drawChannels(visible(), { channel, direct, guilds: names.guilds(), unread: unread[person.key], open: (one) => look(person, one) });
}

function offer(registered) {
  composer.offer(registered);
  messages.offerMenus(registered);
}

function countDirect(counted) {
  totals = counted;
  if (channel === direct) read.set(person.key, totals[person.key]);
  drawSides();
}

async function begin() {
  const start = await ask("/api/start");
  direct = { key: DIRECT, name: start.application.name };
  useCdn(start.cdn_origin);
  changed(start.server);
  startMenus();
  messages.start(change);
  panel.start(start.providers, say);
  server.start(say);
  composer.start(context, act);
  look(start.server.people[0], names.channels()[0]);
}

begin().catch((error) => say(error.message, true));
