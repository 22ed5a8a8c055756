// Attachments: clips play, pictures show, the rest downloads. Discord's own links are served through this page's address.
import { element } from "./dom.js";

let cdn = "";
export function useCdn(origin) {
  cdn = `${origin}/cdn/`;
}

export function local(url) {
  return url?.startsWith(cdn) ? `/cdn/${url.slice(cdn.length)}` : url;
}

export function media(file) {
  const name = file.filename || decodeURIComponent((file.url || "").split("?")[0].split("/").pop());
  const kind = file.content_type || guess(name);
  const source = local(file.url);
  if (kind.startsWith("video/")) {
    return wrap(element("video", { src: source, controls: true, loop: true, playsinline: true, preload: "metadata", "aria-label": file.description || name }));
  }
  if (kind.startsWith("image/")) {
    const picture = element("img", { src: source, alt: file.description || name, loading: "lazy" });
    return wrap(element("a", { href: source, target: "_blank", rel: "noopener" }, picture));
  }
  const size = file.size ? element("small", {}, ` ${bytes(file.size)}`) : null;
  return element("div", { class: "file" }, element("a", { href: source, download: name }, name), size);
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
