// A modal that the bot opened: text inputs, selects and files, sent back as one answer.
import { byId, element } from "./dom.js";
import { markdown } from "./markdown.js";

const TEXT_INPUT = 4;
const SELECT = 3;
const TEXT_DISPLAY = 10;
const LABEL = 18;
const FILES = 19;

export function openModal(modal, submit) {
  const inputs = [];
  const parts = modal.components.map((part) => {
    if (part.type === TEXT_DISPLAY) return markdown(part.content);
    const inner = part.type === LABEL ? part.component : part.components[0];
    const input = control(inner);
    inputs.push([inner, input]);
    const about = part.description ? element("small", { class: "empty" }, part.description) : null;
    return element("label", { class: "field" }, element("span", { class: "name" }, part.label || inner.label), about, input);
  });
  const dialog = byId("dialog");
  const cancel = element("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel");
  const form = element("form", {}, ...parts, element("div", { class: "buttons" }, cancel, element("button", { class: "send" }, "Submit")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close();
    submit(...collect(inputs));
  });
  dialog.replaceChildren(element("h2", { id: "dialog-title" }, modal.title), form);
  dialog.showModal();
}

function control(part) {
  const required = part.required !== false;
  if (part.type === SELECT) {
    return element("select", { multiple: (part.max_values ?? 1) > 1, required },
      part.options.map((option) => element("option", { value: option.value, selected: option.default }, option.label)));
  }
  if (part.type === FILES) return element("input", { type: "file", multiple: (part.max_values ?? 1) > 1, required });
  if (part.type !== TEXT_INPUT) throw new Error(`This page cannot show component type ${part.type} in a dialog`);
  const tag = part.style === 2 ? "textarea" : "input";
  return element(tag, { value: part.value || "", required, minlength: part.min_length, maxlength: part.max_length ?? 4000, placeholder: part.placeholder });
}

function collect(inputs) {
  const values = {};
  const files = {};
  for (const [part, input] of inputs) {
    if (part.type === FILES) files[part.custom_id] = [...input.files];
    else if (part.type === SELECT) values[part.custom_id] = [...input.selectedOptions].map((option) => option.value);
    else values[part.custom_id] = input.value;
  }
  return [values, files];
}
