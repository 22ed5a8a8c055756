"""Values that a person picks: people, roles, channels and files become ids, and `resolved` says what they are."""

from __future__ import annotations

import mimetypes
from pathlib import PurePath
from typing import Any

from playground.discord import payloads
from playground.discord.errors import ClientRefusal
from playground.discord.model import Attachment, Channel, ChannelState, ChannelType, Json, Person, RoleInfo
from playground.discord.selects import CHANNEL_SELECT, DEFAULT_KINDS, STRING_SELECT, values_range
from playground.discord.world import World

BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, ATTACHMENT = 5, 6, 7, 8, 9, 11
File = tuple[str, bytes]
"""A file's name and bytes."""
Files = dict[str, File]
"""Files by option name."""
OPTION_KINDS = {USER: ("user",), CHANNEL: ("channel",), ROLE: ("role",), MENTIONABLE: ("user", "role")}


class Resolver:
    """Collects `resolved` for one interaction of the person with this id."""

    def __init__(self, world: World, channel: ChannelState, user_id: int) -> None:
        self._world = world
        self._user_id = user_id
        self._channel = channel
        self._guild = world.guild_of(channel)
        self.resolved: Json = {}

    def data(self) -> Json:
        """The `resolved` field, or nothing when nothing was picked."""
        return {"resolved": self.resolved} if self.resolved else {}

    def option(self, spec: Json, given: Any) -> Any:
        """The wire's value of a command's option."""
        if spec["type"] == ATTACHMENT:
            return self.upload(given, spec.get("file_types"))
        kinds = OPTION_KINDS.get(spec["type"])
        return given if kinds is None else self.entity(kinds, given, spec["name"], spec.get("channel_types"))

    def chosen(self, select: Json, values: list[Any], *, lowest: int | None = None) -> list[str]:
        """The values chosen in a select, checked against its options and counts; `lowest` replaces its minimum."""
        name = select["custom_id"]
        least, most = values_range(select)
        least = least if lowest is None else lowest
        if not least <= len(values) <= most:
            raise ClientRefusal(f"{name!r} takes {least} to {most} values")
        if select["type"] == STRING_SELECT:
            offered = [option["value"] for option in select["options"]]
            if not set(offered).issuperset(values):
                raise ClientRefusal(f"{name!r} offers {', '.join(offered)}")
            return [value for value in offered if value in values]
        kinds = DEFAULT_KINDS[select["type"]]
        types = select.get("channel_types") if select["type"] == CHANNEL_SELECT else None
        return list(dict.fromkeys(self.entity(kinds, value, name, types) for value in values))

    def entity(self, kinds: tuple[str, ...], given: Any, name: str, channel_types: list[int] | None) -> str:
        """The id of a person, role or channel given as an object, an id or a key. Raises: ClientRefusal."""
        for kind in kinds:
            found = self._find(kind, given)
            if found is None:
                continue
            if kind == "user":
                self.add_user(found)
            elif kind == "role" and self._guild is not None:
                self._put("roles", found, payloads.role(self._guild.roles[found]))
            elif kind == "channel":
                self._add_channel(found, name, channel_types)
            return str(found)
        raise ClientRefusal(f"{name!r}: there is no {' or '.join(kinds)} {given!r}")

    def knows(self, kind: str, given: Any) -> bool:
        """Whether there is such a user, role or channel here."""
        return self._find(kind, given) is not None

    def _find(self, kind: str, given: Any) -> int | None:
        finders = {"user": self._find_user, "role": self._find_role, "channel": self._find_channel}
        return finders[kind](given)

    def add_user(self, user_id: int) -> None:
        """An account, with its membership where it has one."""
        self._put("users", user_id, payloads.user(self._world.users[user_id]))
        member = None if self._guild is None else self._guild.members.get(user_id)
        if member is not None:
            partial = payloads.member(self._world, member, with_user=False)
            for key in ("deaf", "mute"):
                del partial[key]
            partial["permissions"] = str(self._world.permissions(user_id, self._channel))
            self._put("members", user_id, partial)

    def upload(self, given: File, file_types: list[str] | None = None) -> str:
        """Store a person's file; refused beyond the person's own limit, or of a kind that is not asked for.

        Discord deletes such files after a while.
        """
        filename, data = given
        limit = self._world.settings.interaction_limit_bytes
        if len(data) > limit:
            raise ClientRefusal(f"{filename!r} is larger than {limit} bytes")
        if file_types and not _fits(filename, file_types):
            raise ClientRefusal(f"{filename!r} is none of {', '.join(file_types)}")
        stored: Attachment = self._world.cdn.store(self._world.ids.next(), self._channel.id, filename, data)
        stored.ephemeral = True
        self._put("attachments", stored.id, payloads.attachment(self._world, stored))
        return str(stored.id)

    def _put(self, section: str, item_id: int, payload: Json) -> None:
        self.resolved.setdefault(section, {})[str(item_id)] = payload

    def _add_channel(self, channel_id: int, name: str, channel_types: list[int] | None) -> None:
        entry = self._world.channels[channel_id]
        if channel_types and int(entry.type) not in channel_types:
            raise ClientRefusal(f"{name!r} does not take {entry.name}")
        payload = payloads.channel(self._world, entry)
        payload.pop("permission_overwrites", None)
        payload["permissions"] = str(self._world.permissions(self._user_id, entry))
        payload["app_permissions"] = str(self._world.permissions(self._world.bot.id, entry))
        self._put("channels", channel_id, payload)

    def _find_user(self, given: Any) -> int | None:
        if isinstance(given, str) and given in self._world.people:
            return self._world.people[given].id
        return _number(given, (Person,), self._world.users)

    def _find_role(self, given: Any) -> int | None:
        roles = {} if self._guild is None else self._guild.roles
        named = next((role.id for role in roles.values() if role.key and role.key == given), None)
        return _number(given, (RoleInfo,), roles) if named is None else named

    def _find_channel(self, given: Any) -> int | None:
        own = self._channel.guild_id
        places = {key: item for key, item in self._world.channels.items() if item.type is not ChannelType.DM}
        places = {key: item for key, item in places.items() if item.guild_id == own}
        named = next((item.id for item in places.values() if item.key == given), None)
        return _number(given, (Channel,), places) if named is None else named


def _number(given: Any, objects: tuple[type, ...], known: dict[int, Any]) -> int | None:
    """The id in an object, a number or digits, if there is such a thing."""
    if isinstance(given, objects):
        given = given.id  # type: ignore[attr-defined]
    elif isinstance(given, Person | RoleInfo | Channel) or not str(given).isdecimal():
        return None
    return int(given) if int(given) in known else None


def _fits(filename: str, file_types: list[str]) -> bool:
    """Whether the extension is asked for (only it counts: reference, File Type Filtering)."""
    suffix = PurePath(filename).suffix.lower()
    family = (mimetypes.guess_type(f"file{suffix}")[0] or "").partition("/")[0]
    return family in file_types or suffix in [kind.lower() for kind in file_types]
