// Discord's markdown, the part that bots use, as DOM nodes: nothing a member typed is ever parsed as HTML.
import { element } from "./dom.js";
import { names } from "./names.js";

const INLINE = [
  [/^\\([^A-Za-z0-9\s])/, (m) => m[1]],
  [/^``([^]+?)``/, (m) => element("code", {}, m[1])],
  [/^`([^`\n]+)`/, (m) => element("code", {}, m[1])],
  [/^\*\*([^]+?)\*\*(?!\*)/, (m) => element("strong", {}, inline(m[1]))],
  [/^__([^]+?)__/, (m) => element("u", {}, inline(m[1]))],
  [/^~~([^]+?)~~/, (m) => element("s", {}, inline(m[1]))],
  [/^\*([^\s*][^*]*?)\*/, (m) => element("em", {}, inline(m[1]))],
  [/^_([^_]+)_(?![A-Za-z0-9])/, (m) => element("em", {}, inline(m[1]))],
  [/^\|\|([^]+?)\|\|/, (m) => spoiler(m[1])],
  [/^\[([^\]\n]+)\]\(<?(https?:\/\/[^\s)>]+)>?\)/, (m) => link(m[2], m[1])],
  [/^<(https?:\/\/[^\s>]+)>/, (m) => link(m[1], m[1])],
  [/^https?:\/\/[^\s<>]+[^\s<>.,:;"')\]]/, (m) => link(m[0], m[0])],
  [/^<t:(-?\d+)(?::([tTdDfFRsS]))?>/, (m) => timestamp(Number(m[1]), m[2] || "f")],
  [/^<@!?(\d+)>/, (m) => mention(`@${names.person(m[1])}`)],
  [/^<@&(\d+)>/, (m) => mention(`@${names.role(m[1])}`)],
  [/^<#(\d+)>/, (m) => mention(`#${names.channel(m[1])}`)],
  [/^<\/([^:>]+):\d+>/, (m) => mention(`/${m[1]}`)],
  [/^<a?:(\w+):\d+>/, (m) => `:${m[1]}:`],
];

export function inline(text) {
  const nodes = [];
  let plain = "";
  while (text) {
    const found = INLINE.map(([pattern, build]) => [pattern.exec(text), build]).find(([match]) => match);
    if (!found) {
      plain += text[0];
      text = text.slice(1);
      continue;
    }
    if (plain) nodes.push(plain);
    plain = "";
    nodes.push(found[1](found[0]));
    text = text.slice(found[0][0].length);
  }
  if (plain) nodes.push(plain);
  return nodes;
}

// A spoiler may run over several lines; its line ends are kept aside while the text is taken apart by lines.
const KEPT_END = "\u0001";
const keepSpoilers = (text) => text.replace(/\|\|[^]+?\|\|/g, (part) => part.replaceAll("\n", KEPT_END));

export function markdown(text) {
  const box = element("div", { class: "text" });
  const parts = (text || "").split(/```(?:[\w+-]*\n)?([^]*?)```/);
  parts.forEach((part, at) => {
    if (at % 2) box.append(element("pre", {}, element("code", {}, part.replace(/\n$/, ""))));
    else if (part) box.append(...lines(part.replace(/^\n/, at ? "" : "$&")));
  });
  return box;
}

function lines(text) {
  const nodes = [];
  keepSpoilers(text).split("\n").forEach((line, at, all) => {
    const heading = /^(#{1,3}) (.+)/.exec(line);
    const small = /^-# (.+)/.exec(line);
    const quote = /^> (.*)/.exec(line);
    const item = /^(\s*)[-*] (.+)/.exec(line);
    if (heading) nodes.push(element(`h${heading[1].length + 2}`, {}, inline(heading[2])));
    else if (small) nodes.push(element("div", { class: "subtext" }, inline(small[1])));
    else if (quote) nodes.push(element("blockquote", {}, inline(quote[1])));
    else {
      nodes.push(...(item ? [`${item[1]}• `, ...inline(item[2])] : inline(line)));
      if (at < all.length - 1) nodes.push("\n");
    }
  });
  return nodes;
}

function link(address, label) {
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label);
}

function mention(label) {
  return element("span", { class: "mention" }, label);
}

function spoiler(text) {
  const hidden = element("span", { "aria-hidden": "true" }, inline(text.replaceAll(KEPT_END, "\n")));
  const cover = element("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": "Spoiler, press to show" }, hidden);
  const open = (event) => {
    if (cover.classList.contains("open") || (event.key && event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    cover.classList.add("open");
    hidden.removeAttribute("aria-hidden");
    for (const name of ["role", "tabindex", "aria-label"]) cover.removeAttribute(name);
  };
  cover.addEventListener("click", open);
  cover.addEventListener("keydown", open);
  return cover;
}

const STYLES = {
  t: { timeStyle: "short" }, T: { timeStyle: "medium" }, d: { dateStyle: "short" }, D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" }, F: { dateStyle: "full", timeStyle: "short" },
  s: { dateStyle: "short", timeStyle: "short" }, S: { dateStyle: "short", timeStyle: "medium" },
};
const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
let language = "en";
let relative = new Intl.RelativeTimeFormat(language);

// Moments are told in the reader's language, always with a number: a day and a bit from now need not be tomorrow.
export function speak(locale) {
  if (locale === language) return;
  language = locale;
  relative = new Intl.RelativeTimeFormat(language);
}

function timestamp(seconds, style) {
  const moment = new Date(seconds * 1000);
  const full = moment.toLocaleString(language, STYLES.F);
  if (style !== "R") return element("time", { datetime: moment.toISOString(), title: full }, moment.toLocaleString(language, STYLES[style]));
  const node = element("time", { datetime: moment.toISOString(), title: full, "data-relative": seconds });
  count(node);
  return node;
}

function count(node) {
  const away = Number(node.dataset.relative) - Date.now() / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(away) >= size) || UNITS.at(-1);
  const label = relative.format(Math.round(away / size), unit);
  if (node.textContent !== label) node.textContent = label;
}

setInterval(() => document.querySelectorAll("time[data-relative]").forEach(count), 1000);
