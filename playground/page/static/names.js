// Who and what the ids in a message stand for; filled once at the start.
const people = new Map();
const channels = new Map();

export const names = {
  load(start) {
    for (const person of start.people) people.set(person.id, person);
    for (const channel of start.channels) channels.set(channel.id, channel.name);
  },
  person: (id) => people.get(id)?.name || "someone",
  hue: (id) => people.get(id)?.hue ?? 0,
  channel: (id) => channels.get(id) || "channel",
};
