// What the page asks of its own server. Every answer is JSON; a refusal becomes an Error with a sentence.

export async function ask(path, query = {}) {
  const answer = await fetch(`${path}?${new URLSearchParams(query)}`);
  return read(answer);
}

export async function tell(path, body, files = {}) {
  const named = Object.entries(files).flatMap(([name, list]) => [...list].map((file) => [name, file]));
  if (named.length === 0) {
    const headers = { "Content-Type": "application/json" };
    return read(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
  }
  const form = new FormData();
  form.append("payload", JSON.stringify(body));
  for (const [name, file] of named) form.append(name, file, file.name);
  return read(await fetch(path, { method: "POST", body: form }));
}

async function read(answer) {
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error || `The playground answered ${answer.status}`);
  return body;
}

// One stream per view; opening another closes the first. The browser reconnects by itself.
let source = null;
export function watch(query, handlers, onState) {
  source?.close();
  source = new EventSource(`/api/stream?${new URLSearchParams(query)}`);
  source.onopen = () => onState(true);
  source.onerror = () => onState(false);
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  }
}
