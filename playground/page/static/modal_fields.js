// The fields of a modal by Discord's component type. Each gives { node, input, read(), problem() }; read() is what the wire takes.
import { chooser, CHECKS, RADIOS, SELECTS } from "./choices.js";
import { element } from "./dom.js";

const TEXT = 4;
export const FILES = 19;
const CHECK = 23;
const LONG = 2; // the paragraph style of a text input
const TEXT_MAX = 4000;

export function modalField(part, id, name) {
  if (part.type === TEXT) return text(part, id);
  if (part.type === FILES) return files(part, id);
  if (part.type === CHECK) return check(part, id);
  if (part.type === RADIOS) return radio(part, id, name);
  if (part.type === CHECKS || SELECTS.includes(part.type)) return chooser(part, id, name);
  throw new Error(`This page cannot show component type ${part.type} in a dialog`);
}

function text(part, id) {
  const long = part.style === LONG;
  const highest = part.max_length ?? TEXT_MAX;
  const input = element(long ? "textarea" : "input", {
    id, value: part.value || "", rows: long ? 5 : null, placeholder: part.placeholder, maxlength: highest,
    "aria-describedby": `${id}-count`, "aria-required": String(part.required !== false),
  });
  const count = element("small", { class: "length", id: `${id}-count` });
  const tell = () => { count.textContent = `${input.value.length} of ${highest} characters`; };
  input.addEventListener("input", tell);
  tell();
  const problem = () => {
    if (!input.value) return part.required === false ? "" : "this is required";
    return input.value.length < (part.min_length ?? 0) ? `write at least ${part.min_length} characters` : "";
  };
  return { node: element("div", {}, input, long || part.max_length ? count : null), input, read: () => input.value, problem };
}

function files(part, id) {
  const lowest = part.required === false ? 0 : part.min_values ?? 1;
  const highest = part.max_values ?? 1;
  const input = element("input", { type: "file", id, multiple: highest > 1, "aria-required": String(lowest > 0) });
  const problem = () => {
    if (input.files.length > highest) return `choose at most ${highest} file${highest > 1 ? "s" : ""}`;
    return input.files.length < lowest ? `choose at least ${lowest} file${lowest > 1 ? "s" : ""}` : "";
  };
  return { node: input, input, read: () => [...input.files], problem };
}

function check(part, id) {
  const input = element("input", { type: "checkbox", id, checked: Boolean(part.default) });
  return { node: input, input, read: () => input.checked, problem: () => "" };
}

function radio(part, id, name) {
  const built = chooser(part, id, name);
  return { ...built, read: () => built.read()[0] ?? null };
}
