// The left side: the channels that the chosen person sees, and the people to be.
import { avatar, byId, element } from "./dom.js";
import { menuButton } from "./menu.js";

const drawn = new Map();

// Drawn again only when something changed, with the focus where it was.
function redraw(box, state, nodes) {
  const text = JSON.stringify(state);
  if (drawn.get(box.id) === text) return;
  drawn.set(box.id, text);
  const focused = box.contains(document.activeElement) ? document.activeElement.id : null;
  box.replaceChildren(...nodes());
  if (focused) byId(focused)?.focus();
}

// [sign, words] of what is special about a channel.
export function marks(channel) {
  return [
    channel.age_restricted && ["18+", "Age-restricted"],
    channel.staff_only && ["staff", "Only some roles see this channel"],
    channel.bot_may_post === false && ["no bot", "The bot may not post here"],
    channel.locked && ["locked", "Locked thread"],
    channel.archived && ["archived", "Archived thread"],
  ].filter(Boolean);
}

export function drawChannels(channels, { channel, direct, unread, open, guilds }) {
  const button = (one, sign, count) => element("button", {
    type: "button", class: `channel${one.parent ? " thread" : ""}`, id: `channel-${one.key}`, "data-channel": one.key,
    "aria-current": one.key === channel.key ? "true" : null, onclick: () => open(one),
  }, element("span", { class: "sign", "aria-hidden": "true" }, sign), element("span", { class: "label" }, one.name),
  marks(one).map(([sign, words]) => element("span", { class: "mark", title: words, "aria-label": words, role: "img" }, sign)),
  count ? element("span", { class: "count", "aria-label": `${count} new` }, count) : null);
  const tops = channels.filter(({ parent }) => !parent);
  const inside = (one) => channels.filter(({ parent }) => parent === one.id);
  const orphans = channels.filter(({ parent }) => parent && !channels.some(({ id }) => id === parent));
  const listed = (guild) => [
    ...tops.filter((one) => one.guild === guild.id).flatMap((one) => [button(one, "#"), ...inside(one).map((thread) => button(thread, "↳"))]),
    ...orphans.filter((one) => one.guild === guild.id).map((one) => button(one, "↳"))];
  redraw(byId("channels"), [channels, channel.key, unread, guilds], () => [
    ...guilds.filter(({ id }) => channels.some(({ guild }) => guild === id)).flatMap((guild) => [element("h2", {}, guilds.length > 1 ? guild.name : "Text channels"), ...listed(guild)]),
    element("h2", {}, "Direct messages"), button(direct, "@", unread)]);
}

export function drawPeople(people, { person, unread, choose, menu }) {
  redraw(byId("people"), [people, person.key, unread], () => people.map((one) => {
    const chosen = one.key === person.key;
    const button = element("button", {
      type: "button", class: "person", role: "radio", id: `person-${one.key}`, "aria-checked": String(chosen),
      tabindex: chosen ? "0" : "-1", "data-person": one.key, onclick: () => choose(one),
    }, avatar(one), element("span", { class: "who" }, element("span", { class: "name" }, one.name), element("span", { class: "role" }, one.role)),
    unread[one.key] ? element("span", { class: "count", "aria-label": `${unread[one.key]} new direct messages` }, unread[one.key]) : null);
    button.addEventListener("keydown", (event) => roam(event, people, one, choose));
    const dots = menuButton(`Apps on ${one.name}`, () => menu(one));
    dots.id = `dots-${one.key}`;
    return element("div", { class: "person-row", role: "presentation" }, button, dots);
  }));
}

function roam(event, people, one, choose) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = people[(people.indexOf(one) + step + people.length) % people.length];
  choose(next);
  byId(`person-${next.key}`).focus();
}
