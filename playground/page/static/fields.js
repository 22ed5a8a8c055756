// One form field per command option, by Discord's option type. read() gives the value to send, or undefined when empty.
import { ask } from "./api.js";
import { channels, people, roles } from "./choices.js";
import { element } from "./dom.js";

const TYPE = { string: 3, integer: 4, boolean: 5, user: 6, channel: 7, role: 8, mentionable: 9, number: 10, attachment: 11 };
const ENTITIES = {
  [TYPE.user]: people,
  [TYPE.role]: roles,
  [TYPE.mentionable]: () => [...people(), ...roles()],
  [TYPE.channel]: (option) => channels(option.channel_types),
};
const LONG_TEXT = 300; // a text option that allows more than this many characters gets a text area

export function field(option, context, onRemove) {
  const id = `option-${option.name}`;
  const built = control(option, context, id);
  const remove = onRemove
    ? element("button", { type: "button", "aria-label": `Remove ${option.shown}`, onclick: onRemove }, "✕")
    : null;
  const must = option.required ? element("span", { class: "must", title: "required" }, "*") : null;
  const name = element("span", { class: "name" }, element("label", { for: id }, option.shown), must, remove);
  const node = element("div", { class: `field${built.long ? " long" : ""}`, title: option.description }, name, ...built.nodes);
  built.input.required = Boolean(option.required);
  return { option, node, input: built.input, read: built.read };
}

function control(option, context, id) {
  if (option.choices?.length) return choose(id, option, option.choices.map((choice) => [choice.value, choice.shown]));
  if (option.type === TYPE.boolean) return choose(id, option, [[true, "True"], [false, "False"]]);
  if (ENTITIES[option.type]) return choose(id, option, ENTITIES[option.type](option).map(({ value, label }) => [value, label]));
  if (option.type === TYPE.attachment) return attachment(id);
  if (option.autocomplete) return suggest(id, option, context);
  if (option.type === TYPE.integer || option.type === TYPE.number) return number(id, option);
  return text(id, option);
}

function choose(id, option, pairs) {
  const input = element("select", { id }, element("option", { value: "" }, "Choose…"),
    pairs.map(([, label], at) => element("option", { value: String(at) }, label)));
  return { input, nodes: [input], read: () => (input.value === "" ? undefined : pairs[Number(input.value)][0]) };
}

function number(id, option) {
  const whole = option.type === TYPE.integer;
  const range = option.min_value !== undefined && option.max_value !== undefined ? `${option.min_value} to ${option.max_value}` : "";
  const input = element("input", { id, type: "number", step: whole ? 1 : "any", min: option.min_value, max: option.max_value, placeholder: range });
  return { input, nodes: [input], read: () => (input.value === "" ? undefined : Number(input.value)) };
}

function text(id, option) {
  const long = (option.max_length ?? 6000) > LONG_TEXT;
  const input = element(long ? "textarea" : "input", { id, minlength: option.min_length, maxlength: option.max_length, rows: long ? 2 : null, placeholder: option.description });
  return { input, long, nodes: [input], read: () => (input.value === "" ? undefined : input.value) };
}

function attachment(id) {
  const input = element("input", { id, type: "file" });
  return { input, nodes: [input], read: () => (input.files.length ? input.files[0] : undefined) };
}

// Suggestions come from the bot while one types. What is shown is a choice's name; what is sent is its value.
function suggest(id, option, context) {
  const values = new Map();
  const list = element("datalist", { id: `${id}-suggestions` });
  const input = element("input", { id, list: `${id}-suggestions`, placeholder: "Type to search" });
  let waiting = null;
  const fetchChoices = async () => {
    const query = { ...context.where(), command: context.command, option: option.name, value: input.value, options: JSON.stringify(context.given()) };
    const { choices } = await ask("/api/autocomplete", query).catch(() => ({ choices: [] }));
    for (const choice of choices) values.set(choice.name, choice.value);
    list.replaceChildren(...choices.map((choice) => element("option", { value: choice.name })));
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(fetchChoices, 200);
  };
  input.addEventListener("input", () => values.has(input.value) || soon());
  input.addEventListener("focus", soon);
  const typed = () => (option.type === TYPE.string ? input.value : Number(input.value));
  return { input, nodes: [input, list], read: () => (input.value === "" ? undefined : values.get(input.value) ?? typed()) };
}
