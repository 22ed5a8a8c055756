// Message components by Discord's type number: action rows, buttons, selects, and the layout ones of Components V2.
import { element } from "./dom.js";
import { markdown } from "./markdown.js";
import { media, local } from "./media.js";

const KINDS = {
  1: (row, act) => element("div", { class: "row" }, row.components.map((child) => component(child, act))),
  2: button,
  3: (part, act) => select(part, act, part.options.map((option) => [option.value, option.label, option.default])),
  9: section,
  10: (part) => markdown(part.content),
  11: (part) => element("img", { class: "thumb", src: local(part.media.url), alt: part.description || "" }),
  12: (part) => gallery(part.items),
  13: (part) => media({ url: part.file.url, filename: part.name || part.file.name, size: part.size, content_type: part.file.content_type }),
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
    node.disabled = true;
    await act({ kind: "click", custom_id: part.custom_id });
    node.disabled = Boolean(part.disabled);
  });
  return node;
}

function select(part, act, options) {
  const many = (part.max_values ?? 1) > 1;
  const name = part.placeholder || "Choose";
  const node = element("select", { "aria-label": name, multiple: many, disabled: part.disabled },
    many ? null : element("option", { value: "" }, name),
    options.map(([value, label, chosen]) => element("option", { value, selected: chosen }, label)));
  node.addEventListener("change", () => {
    const values = [...node.selectedOptions].map((option) => option.value).filter(Boolean);
    if (values.length >= (part.min_values ?? 1)) act({ kind: "click", custom_id: part.custom_id, values });
  });
  return node;
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
  return box;
}
