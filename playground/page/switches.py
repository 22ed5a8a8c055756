"""The Server tab's switches: what a server's staff, its members, or Discord itself would change."""

from collections.abc import Callable, Mapping
from typing import Any

from playground.discord import Channel, VirtualDiscord
from playground.page.acts import BadRequest, channel_of, person_of
from playground.page.scene import BOT_PERMISSIONS, LOCALES, MIB, REFUSALS, TOKEN_LIFETIMES, UPLOAD_LIMITS

Fields = Mapping[str, Any]

POSTS = r"^/(channels/\d+/messages|webhooks/\d+/[^/]+)$"
"""The paths of a message to a channel and of an interaction's follow-up."""


def turn(discord: VirtualDiscord, fields: Fields) -> str:
    """Turn one switch; a sentence that says what is so now. Raises BadRequest for what does not exist."""
    verb = fields.get("verb")
    if verb not in VERBS:
        raise BadRequest(f"There is no switch called {verb}")
    try:
        return VERBS[verb](discord, fields)
    except (KeyError, ValueError, StopIteration) as error:
        raise BadRequest(f"{verb}: {error}") from error


def _place(discord: VirtualDiscord, fields: Fields) -> Channel:
    if fields.get("channel") not in discord.channels:
        raise BadRequest(f"There is no channel called {fields.get('channel')} here")
    return discord.channels[fields["channel"]]


def _thread(discord: VirtualDiscord, fields: Fields) -> Channel:
    place = _place(discord, fields)
    if place.kind != "thread":
        raise BadRequest(f"#{place.name} is not a thread")
    return place


def _role(discord: VirtualDiscord, fields: Fields) -> str:
    person = person_of(discord, fields)
    role = next((role for role in discord.roles.values() if str(role.id) == fields.get("role")), None)
    if role is None:
        raise BadRequest("There is no such role here")
    if fields.get("on"):
        discord.give_role(person, role)
        return f"{person.name} has the role {role.name} now."
    discord.take_role(person, role)
    return f"{person.name} has the role {role.name} no more."


def _direct_messages(discord: VirtualDiscord, fields: Fields) -> str:
    person, is_open = person_of(discord, fields), bool(fields.get("on"))
    discord.close_direct_messages(person, not is_open)
    return f"{person.name} takes direct messages{'' if is_open else ' no more'}."


def _locale(discord: VirtualDiscord, fields: Fields) -> str:
    person = person_of(discord, fields)
    discord.settings.locales[person.id] = _known(LOCALES, fields.get("locale"))
    return f"{person.name} uses Discord in {LOCALES[fields['locale']]}."


def _guild_locale(discord: VirtualDiscord, fields: Fields) -> str:
    discord.settings.guild_locale = _known(LOCALES, fields.get("locale"))
    return f"The server's language is {LOCALES[fields['locale']]}."


def _upload_limit(discord: VirtualDiscord, fields: Fields) -> str:
    mib = _known(UPLOAD_LIMITS, fields.get("mib"))
    discord.settings.upload_limit_bytes = int(mib) * MIB
    return f"A file may have {mib} MiB here."


def _token_lifetime(discord: VirtualDiscord, fields: Fields) -> str:
    discord.settings.token_lifetime_s = float(_known(TOKEN_LIFETIMES, fields.get("seconds")))
    return f"Answers to commands can be edited for {discord.settings.token_lifetime_s:.0f} s."


def _refuse(discord: VirtualDiscord, fields: Fields) -> str:
    code = _known(REFUSALS, fields.get("code"))
    discord.faults.refuse(int(code), method="POST", path_regex=POSTS)
    return f"The bot's next new message will be refused: {REFUSALS[code]}."


def _refuse_nothing(discord: VirtualDiscord, _fields: Fields) -> str:
    discord.faults.clear()
    return "Discord refuses nothing on purpose."


def _known(table: Mapping[str, str], value: Any) -> str:
    if value not in table:
        raise BadRequest(f"{value} is none of {', '.join(table)}")
    return str(value)


def _member(discord: VirtualDiscord, fields: Fields) -> str:
    person = person_of(discord, fields)
    if fields.get("on"):
        discord.join_guild(person)
        return f"{person.name} is in the server again, without roles."
    if person.key == "owner":
        raise BadRequest("An owner cannot leave the own server")
    discord.leave_guild(person)
    return f"{person.name} left the server."


def _permission(discord: VirtualDiscord, fields: Fields) -> str:
    place, name = _place(discord, fields), _known(BOT_PERMISSIONS, fields.get("permission"))
    discord.permit(place, name, bool(fields.get("on")))
    may = "may" if fields.get("on") else "may not"
    return f"In #{place.name} the bot {may}: {BOT_PERMISSIONS[name]}."


def _age_restricted(discord: VirtualDiscord, fields: Fields) -> str:
    place = discord.set_nsfw(_place(discord, fields), bool(fields.get("on")))
    return f"#{place.name} is{'' if place.nsfw else ' not'} age-restricted."


def _open_thread(discord: VirtualDiscord, fields: Fields) -> str:
    place = _place(discord, fields)
    number = 1 + sum(channel.parent_id == place.id for channel in discord.channels.values())
    while (name := f"{place.name}-thread-{number}") in discord.channels:
        number += 1
    discord.open_thread(place, name)
    return f"The thread {name} is open."


def _archived(discord: VirtualDiscord, fields: Fields) -> str:
    thread = _thread(discord, fields)
    if fields.get("on"):
        discord.archive_thread(thread)
        return f"The thread {thread.name} is archived."
    discord.unarchive_thread(thread)
    return f"The thread {thread.name} is open again."


def _locked(discord: VirtualDiscord, fields: Fields) -> str:
    thread = _thread(discord, fields)
    if fields.get("on"):
        discord.archive_thread(thread, locked=True)
        return f"The thread {thread.name} is archived and locked: only moderators open it again."
    discord.unarchive_thread(thread)
    return f"The thread {thread.name} is open again."


def _delete_channel(discord: VirtualDiscord, fields: Fields) -> str:
    place = _place(discord, fields)
    if place.kind == "text" and sum(channel.kind == "text" for channel in discord.channels.values()) == 1:
        raise BadRequest("The last channel stays: there would be nothing left to look at")
    discord.delete_channel(place)
    return f"#{place.name} is gone, with everything in it."


def _delete_message(discord: VirtualDiscord, fields: Fields) -> str:
    person = person_of(discord, fields)
    place = channel_of(discord, fields, person)
    message_id = int(fields["message_id"])
    if all(int(message["id"]) != message_id for message in discord.messages(place, person)):
        raise BadRequest(f"{person.name} sees no message {message_id}")
    discord.delete_message(message_id)
    return "The message is deleted."


def _dismiss(discord: VirtualDiscord, fields: Fields) -> str:
    discord.dismiss(person_of(discord, fields), int(fields["message_id"]))
    return ""


def _block_words(discord: VirtualDiscord, fields: Fields) -> str:
    words = [word.strip() for word in str(fields["words"]).splitlines() if word.strip()]
    discord.block_words(words)
    return f"AutoMod stops messages with: {', '.join(words)}." if words else "AutoMod stops nothing."


def _command_access(discord: VirtualDiscord, fields: Fields) -> str:
    role = next((role for role in discord.roles.values() if str(role.id) == fields.get("role")), None)
    wishes = {"yes": True, "no": False, "default": None}
    if role is None or fields.get("wish") not in wishes:
        raise BadRequest("There is no such role or wish here")
    command = str(fields["command"])
    discord.override_command(command, wishes[fields["wish"]], role=role)
    said = {"yes": "may use", "no": "may not use", "default": "has no rule of its own for"}[fields["wish"]]
    return f"The role {role.name} {said} /{command}."


def _bot(discord: VirtualDiscord, fields: Fields) -> str:
    if fields.get("on"):
        discord.invite_bot()
        return "The bot is in the server again."
    discord.remove_bot()
    return "The bot was removed from the server."


VERBS: dict[str, Callable[[VirtualDiscord, Fields], str]] = {
    "role": _role,
    "direct_messages": _direct_messages,
    "locale": _locale,
    "guild_locale": _guild_locale,
    "upload_limit": _upload_limit,
    "token_lifetime": _token_lifetime,
    "refuse": _refuse,
    "refuse_nothing": _refuse_nothing,
    "member": _member,
    "permission": _permission,
    "age_restricted": _age_restricted,
    "open_thread": _open_thread,
    "archived": _archived,
    "locked": _locked,
    "delete_channel": _delete_channel,
    "delete_message": _delete_message,
    "dismiss": _dismiss,
    "block_words": _block_words,
    "command_access": _command_access,
    "bot": _bot,
}
"""What each switch does, by its name on the page."""
