// Who and what the ids stand for: the server's people, roles and channels as the stream last told them.
const held = { people: [], roles: [], channels: [], guilds: [] };
const byKey = (kind, id) => held[kind].find((one) => one.id === id);

export const names = {
  load({ people, roles, channels, guilds }) {
    Object.assign(held, { people, roles, channels, guilds });
    people.forEach((one, at) => { one.hue = at % 4; });
  },
  people: () => held.people,
  roles: () => held.roles,
  channels: () => held.channels,
  guilds: () => held.guilds,
  person: (id) => byKey("people", id)?.name || "someone",
  hue: (id) => byKey("people", id)?.hue ?? 0,
  role: (id) => byKey("roles", id)?.name || "role",
  channel: (id) => byKey("channels", id)?.name || "channel",
};
