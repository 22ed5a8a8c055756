// The command line: type / and part of a name, pick a command, fill its options, send. Built from what the bot registered.
// What does not begin with / is an ordinary message, with files if one likes.
import { byId, element } from "./dom.js";
import { field } from "./fields.js";

const EXAMPLE = { command: "video", option: "prompt", value: "A cat running under cherry blossoms, warm sunlight" };
const HINT_SEEN = "seedance-playground-sent";

let commands = [];
let context = null;
let send = null;
let open = null; // { command, fields }

export function start(sharedContext, sendCommand) {
  context = sharedContext;
  context.given = given;
  send = sendCommand;
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    if (open) submit();
  });
  byId("composer").addEventListener("keydown", keys);
  document.addEventListener("keydown", slashAnywhere);
}

// A slash typed outside any field begins a command, as in Discord.
function slashAnywhere(event) {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || byId("dialog").open) return;
  if (event.target.closest("input, textarea, select, [role=menu]")) return;
  rest(true);
}

// Called whenever the commands that this person sees may have changed; keeps what is being typed.
export function offer(registered) {
  const flat = registered.filter((command) => (command.type ?? 1) === 1).flatMap((command) => flatten(command, []));
  const changed = JSON.stringify(flat) !== JSON.stringify(commands);
  commands = flat;
  if (!changed && byId("composer").childElementCount) return;
  const example = commands.find(({ name }) => name === EXAMPLE.command);
  if (example && !localStorage.getItem(HINT_SEEN)) pick(example, { [EXAMPLE.option]: EXAMPLE.value }, true);
  else if (open && commands.some(({ name }) => name === open.command.name)) pick(commands.find(({ name }) => name === open.command.name), typed());
  else rest();
}

// `name` is what is sent, `shown` what the person's language calls it.
function flatten(node, path, shownPath = []) {
  const here = [...path, node.name];
  const shown = [...shownPath, node.shown];
  const inner = (node.options || []).filter((option) => option.type === 1 || option.type === 2);
  if (inner.length) return inner.flatMap((option) => flatten(option, here, shown));
  return [{ name: here.join(" "), shown: shown.join(" "), description: node.description || "", options: node.options || [] }];
}

function rest(focus = false) {
  open = null;
  const input = element("input", {
    class: "filter", id: "command-filter", role: "combobox", "aria-expanded": "false", "aria-controls": "command-choices",
    "aria-label": "Message or command", placeholder: commands.length === 0 ? "Write a message; the bot has no commands here" : "Type / for a command, or write a message",
  });
  const list = element("ul", { class: "choices", id: "command-choices", role: "listbox", "aria-label": "Commands", hidden: true });
  const files = element("input", { type: "file", id: "message-files", multiple: true, "aria-label": "Files with the message", hidden: true });
  files.addEventListener("change", () => { attach.textContent = files.files.length ? `+${files.files.length}` : "+"; input.focus(); });
  const attach = element("button", { type: "button", class: "attach", "aria-label": "Attach files", title: "Attach files", onclick: () => files.click() }, "+");
  byId("composer").replaceChildren(list, element("div", { class: "line" }, attach, files, input));
  wireFilter(input, list, () => write(input, files));
  if (focus) input.focus();
}

// An ordinary message, which starts no command.
async function write(input, files) {
  const text = input.value;
  if (!text && !files.files.length) return;
  input.value = "";
  const wrong = await send({ kind: "say", text }, { files: [...files.files] });
  if (wrong) input.value = text;
  else if (!open) rest(true);
}

function wireFilter(input, list, say) {
  let at = 0;
  let found = [];
  const refresh = () => {
    const wanted = input.value.replace(/^\//, "").toLowerCase();
    const meant = input.value === "" || input.value.startsWith("/");
    found = meant ? commands.filter(({ name, shown }) => name.includes(wanted) || shown.includes(wanted)) : [];
    at = Math.min(at, Math.max(found.length - 1, 0));
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.setAttribute("aria-activedescendant", found.length ? `choice-${at}` : "");
    list.replaceChildren(...found.map((command, index) => element("li",
      { id: `choice-${index}`, role: "option", "aria-selected": String(index === at), onpointerdown: (event) => { event.preventDefault(); pick(command); } },
      element("b", {}, `/${command.shown}`), element("span", {}, command.description))));
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  };
  input.addEventListener("input", () => { at = 0; refresh(); });
  input.addEventListener("click", refresh);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) { at = (at + step + found.length) % found.length; refresh(); event.preventDefault(); }
    if ((event.key === "Enter" || event.key === "Tab") && input.value && found[at]) { pick(found[at]); event.preventDefault(); event.stopPropagation(); }
    else if (event.key === "Enter" && !input.value.startsWith("/")) { say(); event.preventDefault(); }
    if (event.key === "Escape") close();
  });
}

function pick(command, values = {}, firstRun = false) {
  const fieldsBox = element("div", { class: "fields" });
  const more = element("div", { class: "more", role: "group", "aria-label": "More options" });
  open = { command, fields: new Map() };
  context.command = command.name;
  const add = (option, focus) => {
    const removable = option.required ? null : () => { open.fields.get(option.name).node.remove(); open.fields.delete(option.name); chips(); };
    const made = field(option, context, removable);
    open.fields.set(option.name, made);
    fieldsBox.append(made.node);
    if (values[option.name] !== undefined) made.input.value = values[option.name];
    chips();
    if (focus) made.input.focus();
  };
  const chips = () => more.replaceChildren(...command.options.filter(({ name }) => !open.fields.has(name)).map((option) =>
    element("button", { type: "button", title: option.description, onclick: () => add(option, true) }, `+ ${option.shown}`)));
  for (const option of command.options) if (option.required || values[option.name] !== undefined) add(option);
  chips();
  byId("composer").replaceChildren(...frame(command, fieldsBox, more, firstRun));
  (firstRun ? byId("send") : [...open.fields.values()][0]?.input ?? byId("send")).focus();
}

function frame(command, fieldsBox, more, firstRun) {
  const hint = firstRun ? element("div", { class: "hint" }, "Your first clip is ready to go: press Send.") : null;
  const head = element("div", { class: "command-head" }, element("b", {}, `/${command.shown}`), element("span", {}, command.description),
    element("button", { type: "button", class: "quiet", onclick: () => rest(true) }, "Other command"));
  const row = element("div", { class: "send-row" }, element("small", {}, "* required · Ctrl+Enter sends · Esc goes back"),
    element("button", { id: "send", class: "send", type: "submit" }, "Send"));
  return [hint, head, fieldsBox, more, row].filter(Boolean);
}

function keys(event) {
  if (!open) return;
  if (event.key === "Escape") rest(true);
  const oneLine = event.target.tagName === "INPUT" && event.target.type !== "file";
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey || oneLine)) {
    event.preventDefault();
    byId("composer").requestSubmit();
  }
}

function typed() {
  return Object.fromEntries([...open.fields].filter(([, made]) => made.input.type !== "file").map(([name, made]) => [name, made.input.value]));
}

// The values given so far, and the files, by option name.
function gather() {
  const options = {};
  const files = {};
  for (const made of open.fields.values()) {
    const value = made.read();
    if (value instanceof File) files[made.option.name] = [value];
    else if (value !== undefined) options[made.option.name] = value;
  }
  return { options, files };
}

function given() {
  return open ? gather().options : {};
}

async function submit() {
  const { command } = open;
  const { options, files } = gather();
  const button = byId("send");
  button.disabled = true;
  button.textContent = "Sending…";
  const wrong = await send({ kind: "slash", command: command.name, options }, files);
  if (!wrong) localStorage.setItem(HINT_SEEN, "yes");
  if (open?.command !== command) return;
  if (!wrong) rest(true);
  else { button.disabled = false; button.textContent = "Send"; }
}
