"""The REST routes of Discord's API v10 that the simulation has, each a thin step to the world's rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playground.discord import errors, interactions, messages, payloads
from playground.discord.model import ChannelType, Json
from playground.discord.request import Call
from playground.discord.world import World

Answer = tuple[int, Any]
"""Status and JSON body; a body of None means none."""

Handler = Callable[[World, Call], Answer]
SNOWFLAKE = r"(\d{1,20})"
_ROUTES: list[tuple[str, re.Pattern[str], Handler, bool]] = []


def route(method: str, template: str, *, bot_token: bool = True) -> Callable[[Handler], Handler]:
    """Register a handler; `{}` in the template is an id, `{token}` and `{which}` are free."""
    pattern = template.replace("{}", SNOWFLAKE).replace("{token}", "([^/]+)").replace("{which}", "([^/]+)")

    def register(handler: Handler) -> Handler:
        _ROUTES.append((method, re.compile(pattern), handler, bot_token))
        return handler

    return register


def find(method: str, path: str) -> tuple[Handler, tuple[str, ...], bool]:
    """The handler, its path arguments, and whether it needs the bot's token; 404 or 405 for no such route."""
    known = False
    for route_method, pattern, handler, bot_token in _ROUTES:
        match = pattern.fullmatch(path)
        if match is None:
            continue
        if route_method == method:
            return handler, match.groups(), bot_token
        known = True
    if known:
        raise errors.ApiError(405, 0, "405: Method Not Allowed")
    raise errors.not_found()


# -- the application itself ------------------------------------------------------


@route("GET", "/users/@me")
def _me(world: World, call: Call) -> Answer:
    return 200, payloads.own_user(world.bot)


@route("GET", "/users/@me/guilds")
def _my_guilds(world: World, call: Call) -> Answer:
    partial: Json = {
        "id": str(world.guild.id),
        "name": world.guild.name,
        "icon": None,
        "banner": None,
        "owner": False,
        "permissions": str(world.permissions(world.bot.id, None)),
        "features": [],
    }
    return 200, [partial]


@route("GET", "/users/{}")
def _user(world: World, call: Call) -> Answer:
    account = world.users.get(int(call.args[0]))
    if account is None:
        raise errors.ApiError(404, 10013, "Unknown User")
    return 200, payloads.user(account)


def application(world: World) -> Json:
    """The application with its owner."""
    return {
        "id": str(world.application_id),
        "name": world.bot.username,
        "icon": None,
        "description": "",
        "type": None,
        "summary": "",
        "bot": payloads.user(world.bot),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "max_participants": None,
        "tags": [],
        "integration_types_config": {"0": {}},
        "owner": payloads.user(world.users[world.owner.id]),
        "team": None,
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "approximate_guild_count": 1,
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "eligible_oauth2_scopes": [],
    }


@route("GET", "/oauth2/applications/@me")
@route("GET", "/applications/@me")
def _application(world: World, call: Call) -> Answer:
    return 200, application(world)


# -- commands ----------------------------------------------------------------------


def _scope(world: World, call: Call) -> int | None:
    """Checks the application of the path; the guild's id, or None for the global commands."""
    if int(call.args[0]) != world.application_id:
        raise errors.ApiError(403, 20012, "You are not authorized to perform this action on this application")
    if "/guilds/" not in call.path:
        return None
    guild_id = int(call.args[1])
    if guild_id != world.guild.id:
        raise errors.missing_access()
    return guild_id


@route("GET", "/applications/{}/commands")
@route("GET", "/applications/{}/guilds/{}/commands")
def _commands(world: World, call: Call) -> Answer:
    return 200, world.commands.all(_scope(world, call))


@route("PUT", "/applications/{}/commands")
@route("PUT", "/applications/{}/guilds/{}/commands")
def _replace_commands(world: World, call: Call) -> Answer:
    return 200, world.commands.replace_all(_scope(world, call), call.body)


@route("POST", "/applications/{}/commands")
@route("POST", "/applications/{}/guilds/{}/commands")
def _create_command(world: World, call: Call) -> Answer:
    command, is_new = world.commands.put(_scope(world, call), call.body)
    return 201 if is_new else 200, command


@route("GET", "/applications/{}/commands/{}")
@route("GET", "/applications/{}/guilds/{}/commands/{}")
def _command(world: World, call: Call) -> Answer:
    return 200, world.commands.get(_scope(world, call), int(call.args[-1]))


@route("PATCH", "/applications/{}/commands/{}")
@route("PATCH", "/applications/{}/guilds/{}/commands/{}")
def _edit_command(world: World, call: Call) -> Answer:
    return 200, world.commands.edit(_scope(world, call), int(call.args[-1]), call.fields())


@route("DELETE", "/applications/{}/commands/{}")
@route("DELETE", "/applications/{}/guilds/{}/commands/{}")
def _delete_command(world: World, call: Call) -> Answer:
    world.commands.remove(_scope(world, call), int(call.args[-1]))
    return 204, None


# -- guild and channels --------------------------------------------------------------


def _check_guild(world: World, call: Call) -> None:
    if int(call.args[0]) != world.guild.id:
        raise errors.ApiError(404, 10004, "Unknown Guild")


@route("GET", "/guilds/{}")
def _guild(world: World, call: Call) -> Answer:
    _check_guild(world, call)
    body = payloads.guild(world, world.guild)
    if call.query.get("with_counts") in ("1", "true", "True"):
        body |= {"approximate_member_count": len(world.guild.members), "approximate_presence_count": 1}
    return 200, body


@route("GET", "/guilds/{}/channels")
def _guild_channels(world: World, call: Call) -> Answer:
    _check_guild(world, call)
    found = [item for item in world.channels.values() if item.type is ChannelType.TEXT]
    return 200, [payloads.channel(world, item) for item in found if world.can_view(world.bot.id, item)]


@route("GET", "/guilds/{}/roles")
def _roles(world: World, call: Call) -> Answer:
    _check_guild(world, call)
    return 200, [payloads.role(item) for item in world.guild.roles.values()]


@route("GET", "/guilds/{}/members/{}")
def _member(world: World, call: Call) -> Answer:
    _check_guild(world, call)
    member = world.guild.members.get(int(call.args[1]))
    if member is None:
        raise errors.ApiError(404, 10007, "Unknown Member")
    return 200, payloads.member(world, member)


@route("GET", "/channels/{}")
def _channel(world: World, call: Call) -> Answer:
    channel = world.channel(int(call.args[0]))
    world.require(channel, 0)
    return 200, payloads.channel(world, channel)


@route("POST", "/channels/{}/typing")
def _typing(world: World, call: Call) -> Answer:
    world.require(world.channel(int(call.args[0])), 0)
    return 204, None


@route("POST", "/users/@me/channels")
def _open_direct_channel(world: World, call: Call) -> Answer:
    recipient = call.fields().get("recipient_id")
    if recipient is None:
        raise errors.required("recipient_id")
    if int(recipient) not in world.users or int(recipient) == world.bot.id:
        raise errors.form_error("recipient_id", "INVALID_RECIPIENT", "Invalid Recipient(s)")
    return 200, payloads.channel(world, world.direct_channel(int(recipient)))


# -- messages ---------------------------------------------------------------------------


@route("POST", "/channels/{}/messages")
def _send(world: World, call: Call) -> Answer:
    messages.check_sizes(world, call.uploads)
    message = messages.send(world, int(call.args[0]), call.fields(), call.uploads)
    return 200, payloads.message(world, message)


@route("GET", "/channels/{}/messages")
def _history(world: World, call: Call) -> Answer:
    found = messages.history(world, int(call.args[0]), call.query)
    return 200, [payloads.message(world, item) for item in found]


@route("GET", "/channels/{}/messages/{}")
def _read(world: World, call: Call) -> Answer:
    return 200, payloads.message(world, messages.read(world, int(call.args[0]), int(call.args[1])))


@route("PATCH", "/channels/{}/messages/{}")
def _edit(world: World, call: Call) -> Answer:
    messages.check_sizes(world, call.uploads)
    channel_id, message_id = int(call.args[0]), int(call.args[1])
    message = messages.edit_own(world, channel_id, message_id, call.fields(), call.uploads)
    return 200, payloads.message(world, message)


@route("DELETE", "/channels/{}/messages/{}")
def _delete(world: World, call: Call) -> Answer:
    messages.delete_by_bot(world, int(call.args[0]), int(call.args[1]))
    return 204, None


# -- interactions ---------------------------------------------------------------------------


@route("POST", "/interactions/{}/{token}/callback", bot_token=False)
def _respond(world: World, call: Call) -> Answer:
    messages.check_sizes(world, call.uploads)
    body = interactions.respond(world, int(call.args[0]), call.args[1], call.fields(), call.uploads)
    if call.query.get("with_response") in ("1", "true", "True"):
        return 200, body
    return 204, None


@route("POST", "/webhooks/{}/{token}", bot_token=False)
def _follow_up(world: World, call: Call) -> Answer:
    messages.check_sizes(world, call.uploads)
    interaction = interactions.by_token(world, int(call.args[0]), call.args[1])
    message = interactions.follow_up(world, interaction, call.fields(), call.uploads)
    return 200, payloads.message(world, message)


@route("GET", "/webhooks/{}/{token}/messages/{which}", bot_token=False)
def _read_reply(world: World, call: Call) -> Answer:
    interaction = interactions.by_token(world, int(call.args[0]), call.args[1])
    return 200, payloads.message(world, interactions.own_message(world, interaction, call.args[2]))


@route("PATCH", "/webhooks/{}/{token}/messages/{which}", bot_token=False)
def _edit_reply(world: World, call: Call) -> Answer:
    messages.check_sizes(world, call.uploads)
    interaction = interactions.by_token(world, int(call.args[0]), call.args[1])
    message = interactions.own_message(world, interaction, call.args[2])
    return 200, payloads.message(world, messages.edit(world, message, call.fields(), call.uploads))


@route("DELETE", "/webhooks/{}/{token}/messages/{which}", bot_token=False)
def _delete_reply(world: World, call: Call) -> Answer:
    interaction = interactions.by_token(world, int(call.args[0]), call.args[1])
    messages.delete(world, interactions.own_message(world, interaction, call.args[2]))
    return 204, None
