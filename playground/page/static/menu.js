// A menu beside the button that opened it. Items are { label, act }, or { heading }. Arrow keys move, Escape closes.
import { byId, element } from "./dom.js";

let opener = null;

export function openMenu(button, items) {
  const again = opener === button;
  closeMenu();
  if (again) return;
  const menu = byId("menu");
  menu.replaceChildren(...items.map(item));
  menu.hidden = false;
  opener = button;
  button.setAttribute("aria-expanded", "true");
  place(menu, button.getBoundingClientRect());
  (choices()[0] ?? menu).focus();
}

export function closeMenu(focus = false) {
  if (!opener) return;
  byId("menu").hidden = true;
  opener.setAttribute("aria-expanded", "false");
  if (focus) opener.focus();
  opener = null;
}

export function menuButton(label, items) {
  const button = element("button", { type: "button", class: "dots", "aria-label": label, "aria-haspopup": "menu", "aria-expanded": "false", title: label }, "⋯");
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    openMenu(button, items());
  });
  return button;
}

function item(entry) {
  if (entry.heading) return element("div", { class: "heading", role: "presentation" }, entry.heading);
  return element("button", {
    type: "button", role: "menuitem", tabindex: "-1", class: entry.danger ? "danger-text" : null,
    onclick: () => { closeMenu(true); entry.act(); },
  }, entry.label);
}

function place(menu, near) {
  const top = near.bottom + menu.offsetHeight + 4 > innerHeight ? near.top - menu.offsetHeight - 4 : near.bottom + 4;
  menu.style.top = `${Math.max(4, top)}px`;
  menu.style.left = `${Math.max(4, Math.min(near.left, innerWidth - menu.offsetWidth - 4))}px`;
}

const choices = () => [...byId("menu").querySelectorAll("[role=menuitem]")];

export function startMenus() {
  document.addEventListener("click", (event) => byId("menu").contains(event.target) || closeMenu());
  byId("menu").addEventListener("keydown", (event) => {
    const all = choices();
    const at = all.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (next !== undefined) all[next % all.length]?.focus();
    if (event.key === "Escape" || event.key === "Tab") closeMenu(true);
    if (next !== undefined || event.key === "Escape" || event.key === "Tab") event.preventDefault();
  });
}
