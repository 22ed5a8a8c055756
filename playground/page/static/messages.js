// The message list. A message is redrawn only when its own payload changed, so a playing clip goes on playing.
import { avatar, byId, element } from "./dom.js";
import { follow } from "./follow.js";
import { component } from "./components.js";
import { inline, markdown } from "./markdown.js";
import { local, media, picture } from "./media.js";
import { menuButton } from "./menu.js";
import { names } from "./names.js";

const EPHEMERAL = 1 << 6;
const LOADING = 1 << 7;
const COMPONENTS_V2 = 1 << 15;
const SIGNATURE = /\?ex=[0-9a-f]+&is=[0-9a-f]+&hm=[0-9a-f]+&?/g;
const drawn = new Map();
const toEnd = follow(byId("messages"));
const ON_PERSON = 2; // Discord's types of context menus
const ON_MESSAGE = 3;
let menus = [];

// start(change): change(verb, message) does with a message what needs no bot: delete_message and dismiss.
let change = () => {};
export function start(changeMessage) {
  change = changeMessage;
}

export function offerMenus(registered) {
  menus = registered.filter(({ type }) => type === ON_PERSON || type === ON_MESSAGE);
}

// The context menu entries on a person, for the list of people and for what they wrote.
export function personMenu(person, act) {
  const items = menus.filter(({ type }) => type === ON_PERSON)
    .map(({ name, shown }) => ({ label: shown, act: () => act({ kind: "menu", command: name, user_id: person.id }) }));
  return [{ heading: items.length ? `Apps on ${person.name}` : `The bot offers nothing on ${person.name} here` }, ...items];
}

export function clear(welcome) {
  drawn.clear();
  byId("messages").replaceChildren(element("div", { class: "welcome" }, element("h3", {}, welcome.title), welcome.text));
}

export function show(messages, viewer, act) {
  const list = byId("messages");
  const present = new Set(messages.map((message) => message.id));
  for (const [id, entry] of drawn) {
    if (present.has(id)) continue;
    entry.node.remove();
    drawn.delete(id);
  }
  for (const message of messages) draw(list, message, viewer, act);
  toEnd();
}

function draw(list, message, viewer, act) {
  const text = JSON.stringify(message, seen);
  const old = drawn.get(message.id);
  if (old?.text === text) return;
  const node = row(message, viewer, (action) => act({ ...action, message_id: message.id }));
  if (old) old.node.replaceWith(node);
  else list.append(node);
  drawn.set(message.id, { node, text });
  for (const item of node.querySelectorAll("video, img")) {
    item.addEventListener(item.tagName === "IMG" ? "load" : "loadedmetadata", toEnd);
  }
}

// What a message looks like: without the signatures of its links, which each reading renews, and of the message that it
// answers only what is shown of it.
function seen(key, value) {
  if (key === "referenced_message" && value) return [value.author, preview(value)];
  return typeof value === "string" ? value.replace(SIGNATURE, "") : value;
}

function row(message, viewer, act) {
  const isPrivate = Boolean(message.flags & EPHEMERAL);
  const pinged = !isPrivate && message.author.id !== viewer.id && (message.mentions || []).some(({ id }) => id === viewer.id);
  const name = message.author.global_name || message.author.username;
  return element("article", { class: `message${isPrivate ? " private" : ""}${pinged ? " pinged" : ""}`, "data-id": message.id, "aria-label": `Message from ${name}` },
    above(message),
    avatar({ name, hue: names.hue(message.author.id) }, message.author.bot),
    element("div", {}, element("span", { class: "author" }, name), message.author.bot ? element("span", { class: "app" }, "APP") : null,
      element("time", { class: "when", datetime: message.timestamp }, clock(message.timestamp)),
      message.edited_timestamp && !(message.flags & LOADING) ? element("span", { class: "edited" }, "(edited)") : null),
    ...body(message, act),
    more(message, act),
    isPrivate ? onlyYou(message) : null);
}

function above(message) {
  const command = message.interaction_metadata || message.interaction;
  const replied = message.referenced_message;
  if (replied) {
    return element("div", { class: "above" }, "↪ ", element("b", {}, replied.author.global_name || replied.author.username), " ",
      inline(preview(replied)));
  }
  if (message.message_reference && message.referenced_message === null) return element("div", { class: "above" }, "↪ Original message was deleted");
  if (!command?.user) return null;
  const name = message.interaction?.name || command.name;
  const used = name && ((command.command_type ?? 1) === 1 ? `/${name}` : name);
  return element("div", { class: "above" }, "↪ ", element("b", {}, command.user.global_name || command.user.username), used ? ` used ${used}` : " used the app");
}

function preview(message) {
  const embed = (message.embeds || [])[0] || {};
  const text = message.content || embed.title || embed.description || "Click to see attachment";
  return text.split("\n")[0].slice(0, 120);
}

function body(message, act) {
  if (message.flags & LOADING) return [element("div", { class: "thinking" }, `${message.author.global_name || message.author.username} is thinking…`)];
  const parts = (message.components || []).map((part) => component(part, act));
  if (message.flags & COMPONENTS_V2) return parts;
  return [
    message.content ? markdown(message.content) : null,
    ...attached(loose(message)),
    ...(message.embeds || []).map(embed),
    ...parts,
  ];
}

// Several pictures stand side by side.
function attached(files) {
  const shown = files.map(media);
  const pictures = files.length > 1 && files.every((file) => file.content_type?.startsWith("image/"));
  return pictures ? [element("div", { class: "media many" }, shown)] : shown;
}

// The attachments that no embed shows.
function loose(message) {
  const path = (url) => url?.split("?")[0];
  const shown = new Set((message.embeds || []).flatMap((part) => [part.image, part.thumbnail, part.video]).map((item) => path(item?.url)));
  return (message.attachments || []).filter(({ url }) => !shown.has(path(url)));
}

function more(message, act) {
  const items = () => {
    const own = menus.filter(({ type }) => type === ON_MESSAGE)
      .map(({ name, shown }) => ({ label: shown, act: () => act({ kind: "menu", command: name }) }));
    const author = { id: message.author.id, name: message.author.global_name || message.author.username };
    const remove = { label: "Delete message", danger: true, act: () => change("delete_message", message) };
    return [
      { heading: own.length ? "Apps on this message" : "The bot offers nothing on messages here" }, ...own,
      ...(message.author.bot ? [] : personMenu(author, act)),
      ...(message.flags & EPHEMERAL ? [] : [{ heading: "As Discord" }, remove]),
    ];
  };
  return element("div", { class: "apps" }, menuButton("More on this message", items));
}

function embed(part) {
  const title = part.url ? element("a", { href: part.url, target: "_blank", rel: "noopener noreferrer" }, part.title) : part.title;
  const fields = (part.fields || []).map((field) =>
    element("div", { class: field.inline ? "" : "wide" }, element("b", {}, inline(field.name)), markdown(field.value)));
  const footer = [part.footer?.text, part.timestamp && new Date(part.timestamp).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" })];
  const box = element("div", { class: "embed" },
    part.thumbnail ? element("img", { class: "thumb", src: local(part.thumbnail.url), alt: "" }) : null,
    part.author ? element("small", {}, part.author.name) : null,
    part.title ? element("h4", {}, title) : null,
    part.description ? markdown(part.description) : null,
    fields.length ? element("div", { class: "fields" }, fields) : null,
    part.image ? element("div", { class: "media" }, picture(local(part.image.url), part.image.description || "Picture in the message")) : null,
    footer.some(Boolean) ? element("footer", {}, footer.filter(Boolean).join(" • ")) : null);
  if (part.color) box.style.borderLeftColor = `#${part.color.toString(16).padStart(6, "0")}`;
  return box;
}

function onlyYou(message) {
  const dismiss = element("button", { type: "button", onclick: () => change("dismiss", message) }, "Dismiss message");
  return element("div", { class: "only-you" }, "Only you can see this • ", dismiss);
}

function clock(moment) {
  return new Date(moment).toLocaleTimeString("en", { timeStyle: "short" });
}
