"""The REST routes of Discord's API v10 that the simulation has, each a thin step to the world's rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playground.discord import errors, interactions, messages, payloads, permissions, sending_rules
from playground.discord.model import ChannelState, ChannelType, Json
from playground.discord.permissions import Permission
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
    partials: list[Json] = [
        {
            "id": str(guild.id),
            "name": guild.name,
            "icon": None,
            "banner": None,
            "owner": False,
            "permissions": str(permissions.compute(guild, world.bot.id, None)),
            "features": [],
        }
        for guild in world.joined
    ]
    return 200, partials


@route("GET", "/users/{}")
def _user(world: World, call: Call) -> Answer:
    account = world.users.get(int(call.args[0]))
    if account is None:
        raise errors.known(10013)
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
        "approximate_guild_count": len(world.joined),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "eligible_oauth2_scopes": [],
    }


@route("GET", "/oauth2/applications/@me")
@route("GET", "/applications/@me")
def _application(world: World, call: Call) -> Answer:
    return 200, application(world)


# -- channels ----------------------------------------------------------------------


@route("GET", "/channels/{}")
def _channel(world: World, call: Call) -> Answer:
    channel = world.channel(int(call.args[0]))
    world.require(channel, 0)
    return 200, payloads.channel(world, channel)


@route("PATCH", "/channels/{}")
def _edit_channel(world: World, call: Call) -> Answer:
    """A thread's archiving, lock and name, or a channel's name and age restriction."""
    channel, body = world.channel(int(call.args[0])), call.fields()
    world.require(channel, 0)
    if channel.type is ChannelType.PUBLIC_THREAD:
        _edit_thread(world, channel, body)
    else:
        world.require(channel, Permission.MANAGE_CHANNELS)
        channel.name = str(body.get("name", channel.name))
        channel.nsfw = bool(body.get("nsfw", channel.nsfw))
        sending_rules.announce_channel(world, "UPDATE", channel)
    return 200, payloads.channel(world, channel)


def _edit_thread(world: World, thread: ChannelState, body: Json) -> None:
    """Only opening an unlocked thread again is for everyone who may write in it (topics/threads, Editing)."""
    opens_only = set(body) == {"archived"} and not body["archived"] and not thread.locked
    world.require(thread, Permission.SEND_MESSAGES_IN_THREADS if opens_only else Permission.MANAGE_THREADS)
    if thread.archived and body.get("archived", True):
        raise errors.known(50083)
    thread.name = str(body.get("name", thread.name))
    archived, locked = body.get("archived", thread.archived), body.get("locked", thread.locked)
    sending_rules.set_archived(world, thread, archived=bool(archived), locked=bool(locked))


@route("PUT", "/channels/{}/thread-members/@me")
def _join_thread(world: World, call: Call) -> Answer:
    thread = world.channel(int(call.args[0]))
    world.require(thread, 0)
    sending_rules.check_edit(world, thread)
    return 204, None


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
        raise errors.known(50033)
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
    message = interactions.edit_reply(world, interaction, call.args[2], call.fields(), call.uploads)
    return 200, payloads.message(world, message)


@route("DELETE", "/webhooks/{}/{token}/messages/{which}", bot_token=False)
def _delete_reply(world: World, call: Call) -> Answer:
    interaction = interactions.by_token(world, int(call.args[0]), call.args[1])
    interactions.delete_reply(world, interaction, call.args[2])
    return 204, None
