// Message components by Discord's type number: action rows, buttons, selects, and the layout ones of Components V2.
import { chooser, SELECTS } from "./choices.js";
import { element } from "./dom.js";
import { markdown } from "./markdown.js";
import { cover, local, media } from "./media.js";

const KINDS = {
  1: (row, act) => element("div", { class: "row" }, row.components.map((child) => component(child, act))),
  2: button,
  ...Object.fromEntries(SELECTS.map((type) => [type, select])),
  9: section,
  10: (part) => markdown(part.content),
  11: (part) => cover(element("img", { class: "thumb", src: local(part.media.url), alt: part.description || "" }), part.spoiler),
  12: (part) => gallery(part.items),
  13: (part) => media({ url: part.file.url, filename: part.name || part.file.name, size: part.size, content_type: part.file.content_type, spoiler: part.spoiler }),
  14: (part) => element("hr", { class: part.divider === false ? "space" : "separator" }),
  17: container,
};

export function component(part, act) {
  const build = KINDS[part.type];
  return build ? build(part, act) : element("span", { class: "empty" }, `This page cannot show component type ${part.type}`);
}

function button(part, act) {
  const icon = part.emoji?.name ? element("span", { "aria-hidden": "true" }, part.emoji.name) : null;
  if (part.style === 5) {
    return element("a", { class: "button", href: part.url, target: "_blank", rel: "noopener noreferrer" }, icon, part.label || part.url, " ↗");
  }
  const node = element("button", { type: "button", class: `button style-${part.style}`, disabled: part.disabled, "aria-label": part.label || part.emoji?.name },
    icon, part.label);
  node.addEventListener("click", async () => {
    if (node.getAttribute("aria-busy") === "true") return; // not disabled meanwhile, so that the focus stays
    node.setAttribute("aria-busy", "true");
    await act({ kind: "click", custom_id: part.custom_id });
    node.removeAttribute("aria-busy");
  });
  return node;
}

let selects = 0;

// One choice is sent at once, several with a press on Choose. `required` is a modal's word and says nothing here.
function select({ required, ...part }, act) {
  selects += 1;
  const made = chooser(part, `select-${selects}`, part.placeholder || "Choose");
  const send = () => made.problem() || act({ kind: "click", custom_id: part.custom_id, values: made.read() });
  const box = element("div", { class: "select", "data-select": part.custom_id }, made.node);
  if ((part.max_values ?? 1) > 1) made.node.append(element("button", { type: "button", class: "quiet", disabled: part.disabled, onclick: send }, "Choose"));
  else made.node.addEventListener("change", send);
  return box;
}

function section(part, act) {
  const texts = element("div", {}, part.components.map((child) => component(child, act)));
  return element("div", { class: "section" }, texts, part.accessory ? component(part.accessory, act) : null);
}

function gallery(items) {
  const box = element("div", { class: items.length > 1 ? "media many" : "media" });
  for (const item of items) {
    box.append(media({ url: item.media.url, content_type: item.media.content_type, description: item.description, spoiler: item.spoiler }));
  }
  return box;
}

function container(part, act) {
  const box = element("div", { class: "container" }, part.components.map((child) => component(child, act)));
  if (part.accent_color) box.style.borderLeftColor = `#${part.accent_color.toString(16).padStart(6, "0")}`;
  return cover(box, part.spoiler);
}
