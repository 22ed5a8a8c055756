// element("button", {class: "send", type: "submit", onclick: f}, "Send"): text is always inserted as text, never as HTML.
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

export function avatar(person, isBot = false) {
  const letter = (person.name || "?").slice(0, 1).toUpperCase();
  return element("span", { class: `avatar ${isBot ? "hue-bot" : `hue-${person.hue ?? 0}`}`, "aria-hidden": "true" }, isBot ? "▶" : letter);
}
