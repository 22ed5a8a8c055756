// The message list. A message is redrawn only when its own payload changed, so a playing clip goes on playing.
import { avatar, byId, element } from "./dom.js";
import { follow } from "./follow.js";
import { component } from "./components.js";
import { inline, markdown } from "./markdown.js";
import { media, local } from "./media.js";
import { names } from "./names.js";

const EPHEMERAL = 1 << 6;
const LOADING = 1 << 7;
const COMPONENTS_V2 = 1 << 15;
const drawn = new Map();
const dismissed = new Set();
const toEnd = follow(byId("messages"));
let menus = []; // context menus: {name, type} with Discord's types, 2 on a person and 3 on a message

export function offerMenus(registered) {
  menus = registered.filter(({ type }) => type === 2 || type === 3);
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
  for (const message of messages.filter(({ id }) => !dismissed.has(id))) draw(list, message, viewer, act);
  toEnd();
}

function draw(list, message, viewer, act) {
  const text = JSON.stringify(message);
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
    apps(message, act),
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
  const used = message.interaction?.name || command.name;
  return element("div", { class: "above" }, "↪ ", element("b", {}, command.user.global_name || command.user.username), used ? ` used /${used}` : " used the app");
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
    ...(message.attachments || []).map(media),
    ...(message.embeds || []).map(embed),
    ...parts,
  ];
}

function apps(message, act) {
  const fitting = menus.filter(({ type }) => type === 3 || !message.author.bot);
  if (!fitting.length) return null;
  return element("div", { class: "apps" }, fitting.map((menu) => element("button", {
    type: "button", class: "quiet",
    onclick: () => act({ kind: "menu", command: menu.name, ...(menu.type === 2 ? { user_id: message.author.id } : {}) }),
  }, `Apps ▸ ${menu.name}`)));
}

function embed(part) {
  const title = part.url ? element("a", { href: part.url, target: "_blank", rel: "noopener noreferrer" }, part.title) : part.title;
  const fields = (part.fields || []).map((field) =>
    element("div", { class: field.inline ? "" : "wide" }, element("b", {}, inline(field.name)), markdown(field.value)));
  const box = element("div", { class: "embed" },
    part.author ? element("small", {}, part.author.name) : null,
    part.title ? element("h4", {}, title) : null,
    part.description ? markdown(part.description) : null,
    fields.length ? element("div", { class: "fields" }, fields) : null,
    part.image ? element("div", { class: "media" }, element("img", { src: local(part.image.url), alt: "" })) : null,
    part.footer ? element("footer", {}, part.footer.text) : null);
  if (part.color) box.style.borderLeftColor = `#${part.color.toString(16).padStart(6, "0")}`;
  return box;
}

function onlyYou(message) {
  const dismiss = element("button", { type: "button" }, "Dismiss message");
  dismiss.addEventListener("click", () => {
    dismissed.add(message.id);
    drawn.get(message.id)?.node.remove();
    drawn.delete(message.id);
  });
  return element("div", { class: "only-you" }, "Only you can see this • ", dismiss);
}

function clock(moment) {
  return new Date(moment).toLocaleTimeString("en", { timeStyle: "short" });
}
