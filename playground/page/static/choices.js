// Choosing among options, in messages and in modals alike: Discord's string, user, role, mentionable and channel selects,
// and the radio and checkbox groups of modals. Every chooser gives { node, input, read() → values, problem() → sentence or "" }.
import { element } from "./dom.js";
import { names } from "./names.js";

export const STRING_SELECT = 3;
const USER = 5;
const ROLE = 6;
const MENTIONABLE = 7;
const CHANNEL = 8;
export const SELECTS = [STRING_SELECT, USER, ROLE, MENTIONABLE, CHANNEL];
export const RADIOS = 21;
export const CHECKS = 22;

export const people = () => names.people().filter(({ member }) => member).map(({ id, name }) => ({ value: id, label: name }));
export const roles = () => names.roles().map(({ id, name }) => ({ value: id, label: `@${name.replace(/^@/, "")}` }));
export const channels = (types) => names.channels()
  .filter(({ type, visible }) => visible && (!types?.length || types.includes(type)))
  .map(({ id, name }) => ({ value: id, label: `#${name}` }));

function offered(part) {
  const preset = new Set((part.default_values || []).map(({ id }) => id));
  const plain = (part.options || []).map((one) => ({
    value: one.value, label: [one.emoji?.name, one.label].filter(Boolean).join(" "), about: one.description, chosen: Boolean(one.default),
  }));
  const entities = {
    [USER]: people, [ROLE]: roles, [MENTIONABLE]: () => [...people(), ...roles()], [CHANNEL]: () => channels(part.channel_types),
  }[part.type];
  return entities ? entities().map((one) => ({ ...one, chosen: preset.has(one.value) })) : plain;
}

export function chooser(part, id, name) {
  if (part.type === RADIOS) return boxes(part, id, name, 1);
  if (part.type === CHECKS) return boxes(part, id, name, part.max_values ?? part.options.length);
  const highest = part.max_values ?? 1;
  return highest > 1 ? unfolding(part, id, name, highest) : dropDown(part, id, name);
}

function dropDown(part, id, name) {
  const input = element("select", { id, "aria-label": name, disabled: part.disabled },
    element("option", { value: "" }, part.placeholder || "Choose…"),
    offered(part).map(({ value, label, about, chosen }) => element("option", { value, selected: chosen }, about ? `${label} — ${about}` : label)));
  const read = () => (input.value === "" ? [] : [input.value]);
  return { node: input, input, read, problem: () => amount(read().length, part, 1) };
}

// Several of many: Discord unfolds a list there, and so does this.
function unfolding(part, id, name, highest) {
  const inner = boxes(part, id, name, highest);
  const summary = element("summary", { id: `${id}-summary` });
  const tell = () => {
    summary.textContent = inner.labels().join(", ") || part.placeholder || "Choose…";
  };
  inner.node.addEventListener("change", tell);
  tell();
  return { ...inner, node: element("details", { class: "unfolding" }, summary, inner.node), input: summary };
}

function boxes(part, id, name, highest) {
  const radio = part.type === RADIOS;
  const options = offered(part);
  const inputs = options.map(({ value, chosen }, at) => element("input", {
    type: radio ? "radio" : "checkbox", id: at ? `${id}-${at}` : id, name: id, value, checked: chosen, disabled: part.disabled,
  }));
  const lines = options.map(({ label, about }, at) => element("label", { class: "choice" }, inputs[at],
    element("span", {}, label, about ? element("small", {}, about) : null)));
  const node = element("div", { class: "boxes", role: radio ? "radiogroup" : "group", "aria-label": name }, lines);
  const chosen = () => inputs.map((input, at) => (input.checked ? options[at] : null)).filter(Boolean);
  return {
    node, input: inputs[0], group: true,
    read: () => chosen().map(({ value }) => value),
    labels: () => chosen().map(({ label }) => label),
    problem: () => amount(chosen().length, part, highest),
  };
}

function amount(count, { required, min_values }, highest) {
  const lowest = min_values ?? 1;
  if (count === 0 && required === false) return "";
  if (count > highest) return `choose at most ${highest}`;
  if (count >= lowest) return "";
  return lowest === 1 ? "choose one" : `choose at least ${lowest}`;
}
