// The "Server" tab: switches over people, channels and the bot's own place, the things that a server's staff could change.
import { tell } from "./api.js";
import { openModal } from "./dialogs.js";
import { byId, element } from "./dom.js";

let say = () => {};
let drawn = "";

export function start(announce) {
  say = announce;
}

// Returns "" or why it could not be done, as a dialog wants it.
async function turn(verb, fields = {}) {
  try {
    say((await tell("/api/server", { verb, ...fields })).said);
    return "";
  } catch (error) {
    say(error.message, true);
    drawn = ""; // the control shows what was wished; the next state puts it right
    return error.message;
  }
}

export function show(state) {
  const text = JSON.stringify(state);
  if (text === drawn) return;
  drawn = text;
  const box = byId("server");
  const focused = box.contains(document.activeElement) ? document.activeElement.id : null;
  const open = new Set([...box.querySelectorAll("details[open]")].map(({ id }) => id));
  box.replaceChildren(
    section("People", state.people.map((person) => one(person, state))),
    section("Channels and threads", state.channels.map(place)),
    section("The server", server(state)),
    section("Let Discord refuse", refusals(state)));
  for (const id of open) if (byId(id)) byId(id).open = true;
  if (focused) byId(focused)?.focus();
}

const section = (title, ...content) => element("section", { "aria-label": title }, element("h2", {}, title), ...content);

function check(id, label, on, change) {
  const input = element("input", { type: "checkbox", id, checked: Boolean(on), onchange: () => change(input.checked) });
  return element("label", { class: "switch" }, input, label);
}

function list(id, label, options, value, change) {
  const input = element("select", { id, onchange: () => change(input.value) },
    options.map(([key, words]) => element("option", { value: key, selected: key === value }, words)));
  return element("label", { class: "switch" }, label, input);
}

const button = (id, label, press, danger = false) =>
  element("button", { type: "button", id, class: `quiet${danger ? " danger" : ""}`, onclick: press }, label);

const tag = (words) => element("span", { class: "mark" }, words);

function one(person, { roles, locales }) {
  const id = `server-${person.key}`;
  const who = { person: person.key };
  return element("details", { id }, element("summary", {}, person.name, " ", person.member ? null : tag("left"), person.dms_open ? null : tag("no DMs")),
    element("div", { class: "switches" },
      roles.filter(({ given }) => given).map((role) => check(`${id}-role-${role.id}`, `Role ${role.name}`, person.roles.includes(role.id),
        (on) => turn("role", { ...who, role: role.id, on }))),
      check(`${id}-dms`, "Takes direct messages", person.dms_open, (on) => turn("direct_messages", { ...who, on })),
      list(`${id}-locale`, "Language ", locales, person.locale, (locale) => turn("locale", { ...who, locale })),
      person.owner ? null : person.member
        ? button(`${id}-member`, "Leave the server", () => turn("member", { ...who, on: false }), true)
        : button(`${id}-member`, "Join the server again", () => turn("member", { ...who, on: true }))));
}

function place(channel) {
  const id = `server-${channel.key}`;
  const where = { channel: channel.key };
  const allowed = channel.bot.map(([name, words, on]) =>
    check(`${id}-${name}`, `Bot: ${words}`, on, (wish) => turn("permission", { ...where, permission: name, on: wish })));
  const thread = channel.kind === "thread";
  const state = thread
    ? [check(`${id}-archived`, "Archived", channel.archived, (on) => turn("archived", { ...where, on })),
      check(`${id}-locked`, "Locked", channel.locked, (on) => turn("locked", { ...where, on }))]
    : [check(`${id}-age`, "Age-restricted", channel.age_restricted, (on) => turn("age_restricted", { ...where, on })), ...allowed];
  return element("details", { id, class: thread ? "inner" : null },
    element("summary", {}, thread ? `↳ ${channel.name}` : `# ${channel.name}`, " ", channel.age_restricted && !thread ? tag("18+") : null, channel.bot_may_post === false ? tag("no bot") : null),
    element("div", { class: "switches" }, state,
      thread ? null : button(`${id}-thread`, "Open a thread", () => turn("open_thread", where)),
      button(`${id}-delete`, thread ? "Delete thread" : "Delete channel", () => turn("delete_channel", where), true)));
}

function server({ bot, roles, locales, guild_locale, upload_limits, upload_limit, token_lifetimes, token_lifetime }) {
  return element("div", { class: "switches" },
    bot.member
      ? button("server-bot", "Remove the bot from the server", () => turn("bot", { on: false }), true)
      : button("server-bot", "Add the bot to the server again", () => turn("bot", { on: true })),
    button("server-access", "Who may use a command…", () => askAccess(bot.commands, roles)),
    button("server-automod", "Words that AutoMod stops…", askWords),
    list("server-locale", "The server's language ", locales, guild_locale, (locale) => turn("guild_locale", { locale })),
    list("server-limit", "Largest file ", upload_limits, upload_limit, (mib) => turn("upload_limit", { mib })),
    list("server-token", "Replies last ", token_lifetimes, token_lifetime, (seconds) => turn("token_lifetime", { seconds })));
}

// Dialogs of the page's own, in the shape of the bot's.
const TEXT = 4;
const STRING_SELECT = 3;
const RADIOS = 21;
const label = (text, component, description) => ({ type: 18, label: text, description, component });

function askWords() {
  const words = { type: TEXT, style: 2, custom_id: "words", required: false };
  openModal({
    title: "Words that AutoMod stops",
    components: [label("Words", words, "One per line. They take the place of the words so far; none: AutoMod stops nothing.")],
  }, (values) => turn("block_words", values));
}

function askAccess(commands, roles) {
  const choice = (value, words) => ({ value, label: words });
  const offered = { type: STRING_SELECT, custom_id: "command", options: commands.map((name) => choice(name, `/${name}`)) };
  const wish = { type: RADIOS, custom_id: "wish", options: [choice("yes", "May use it"), choice("no", "May not use it"), choice("default", "As the bot registered it")] };
  openModal({
    title: "Who may use a command",
    components: [
      label("Command", offered),
      label("Role", { type: STRING_SELECT, custom_id: "role", options: roles.filter(({ key }) => !key.includes("/")).map(({ id, name }) => choice(id, name)) }),
      label("Permission", wish)],
  }, ({ command, role, wish: chosen }) => turn("command_access", { command: command[0], role: role[0], wish: chosen }));
}

let refusal; // survives the drawing anew of the list

function refusals({ refusals: known, refusals_waiting: waiting }) {
  refusal ??= known[0][0];
  return element("div", { class: "switches" },
    list("server-refusal", "With ", known, refusal, (code) => { refusal = code; }),
    element("div", { class: "actions" },
      button("server-refuse", "Refuse the bot's next message", () => turn("refuse", { code: refusal })),
      button("server-refuse-nothing", "Refuse nothing", () => turn("refuse_nothing"))),
    waiting ? element("p", { class: "faults-state", role: "status" }, `Waiting to happen: ${waiting}`) : null);
}
