// Attachments: clips play, pictures show, the rest downloads. Discord's own links are served through this page's address.
import { element } from "./dom.js";

const SPOILER_NAME = /^SPOILER_/;
const SPOILER_FLAG = 1 << 3;
const PREVIEW_LINES = 20;
let cdn = "";
export function useCdn(origin) {
  cdn = `${origin}/cdn/`;
}

export function local(url) {
  return url?.startsWith(cdn) ? `/cdn/${url.slice(cdn.length)}` : url;
}

export function media(file) {
  const name = file.filename || decodeURIComponent((file.url || "").split("?")[0].split("/").pop());
  return cover(shown(file, name), file.spoiler || SPOILER_NAME.test(name) || (file.flags & SPOILER_FLAG));
}

function shown(file, name) {
  const kind = file.content_type || guess(name);
  const source = local(file.url);
  if (kind.startsWith("video/")) {
    return wrap(element("video", { src: source, controls: true, loop: true, playsinline: true, preload: "metadata", "aria-label": file.description || name }));
  }
  if (kind.startsWith("image/")) return wrap(picture(source, file.description || name));
  const size = file.size ? element("small", {}, ` ${bytes(file.size)}`) : null;
  const link = element("div", { class: "file" }, element("a", { href: source, download: name }, name), size);
  return kind.startsWith("text/") || /\.(csv|txt|json)$/i.test(name) ? element("div", {}, link, preview(source)) : link;
}

export function picture(source, about) {
  return element("a", { href: source, target: "_blank", rel: "noopener" }, element("img", { src: source, alt: about, loading: "lazy" }));
}

// The first lines of a text file, fetched when somebody looks.
function preview(source) {
  const box = element("pre", {}, "…");
  const details = element("details", { class: "preview" }, element("summary", {}, "Preview"), box);
  details.addEventListener("toggle", async () => {
    if (!details.open || box.dataset.read) return;
    box.dataset.read = "yes";
    const answer = await fetch(source);
    const lines = (await answer.text()).replace(/^\uFEFF/, "").split("\n");
    box.textContent = lines.slice(0, PREVIEW_LINES).join("\n") + (lines.length > PREVIEW_LINES ? "\n…" : "");
  });
  return details;
}

// A spoiler stays hidden, from a screen reader too, until it is pressed.
export function cover(node, hidden) {
  if (!hidden) return node;
  const inner = element("div", { inert: true }, node);
  const button = element("button", { type: "button", class: "uncover", "aria-label": "Spoiler, press to show" }, "SPOILER");
  const box = element("div", { class: "covered" }, inner, button);
  button.addEventListener("click", () => {
    box.classList.remove("covered");
    inner.inert = false;
    button.remove();
  });
  return box;
}

function wrap(node) {
  return element("div", { class: "media" }, node);
}

function guess(name) {
  if (/\.(mp4|webm|mov)$/i.test(name)) return "video/mp4";
  if (/\.(png|jpe?g|gif|webp)$/i.test(name)) return "image/png";
  return "application/octet-stream";
}

function bytes(count) {
  return count < 1048576 ? `${Math.ceil(count / 1024)} KiB` : `${(count / 1048576).toFixed(1)} MiB`;
}
