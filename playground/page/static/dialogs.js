// A modal that the bot opened, filled and sent back as one answer. It stays open, with all that was typed, until the bot took it.
import { byId, element } from "./dom.js";
import { markdown } from "./markdown.js";
import { FILES, modalField } from "./modal_fields.js";

const TEXT_DISPLAY = 10;
const LABEL = 18;

// submit(values, files) resolves to "" or to the sentence that says why the bot did not take it.
export function openModal(modal, submit) {
  const dialog = byId("dialog");
  const fields = [];
  const parts = modal.components.map((part, at) => row(part, `modal-${at}`, fields));
  const wrong = element("p", { class: "wrong", role: "alert" });
  const send = element("button", { class: "send", id: "modal-submit" }, "Submit");
  const cancel = element("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel");
  const form = element("form", { novalidate: true }, parts, wrong, element("div", { class: "buttons" }, cancel, send));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const bad = fields.find((field) => mark(field));
    wrong.textContent = bad ? `${bad.label}: ${bad.problem()}.` : "";
    if (bad) { bad.input.focus(); return; }
    send.disabled = true;
    wrong.textContent = await submit(...collect(fields));
    send.disabled = false;
    if (!wrong.textContent) dialog.close();
  });
  dialog.replaceChildren(element("h2", { id: "dialog-title" }, modal.title), form);
  dialog.showModal();
  fields[0]?.input.focus();
}

function row(part, id, fields) {
  if (part.type === TEXT_DISPLAY) return markdown(part.content);
  const inner = part.type === LABEL ? part.component : part.components[0];
  const label = part.label || inner.label;
  const field = { ...modalField(inner, id, label), label, part: inner };
  fields.push(field);
  const must = inner.required === false || typeof field.read() === "boolean" ? null : element("span", { class: "must", title: "required" }, "*");
  const about = part.description ? element("small", { class: "about" }, part.description) : null;
  field.box = element("div", { class: "field", "data-field": inner.custom_id },
    element("span", { class: "name" }, field.group ? label : element("label", { for: id }, label), must), about, field.node);
  return field.box;
}

function mark(field) {
  const problem = field.problem();
  field.box.classList.toggle("wrong", Boolean(problem));
  field.input.setAttribute("aria-invalid", String(Boolean(problem)));
  return problem;
}

function collect(fields) {
  const values = {};
  const files = {};
  for (const { part, read } of fields) {
    if (part.type === FILES) files[part.custom_id] = read();
    else values[part.custom_id] = read();
  }
  return [values, files];
}
