"""Our discord.py client: no privileged intents, no message cache, REST and gateway addresses from the settings."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import discord
import yarl
from discord import app_commands, shard
from discord.backoff import ExponentialBackoff
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.discord.events import tolerate
from bot.discord.gate import Observe, Take, Window, trace
from bot.discord.typed import clean
from bot.domain.errors import DeliveryRetry, SettingsInvalid

log = logging.getLogger(__name__)

ButtonHandler = Callable[[discord.Interaction[Any], str, str, int | None], Awaitable[None]]

#: What the invite link asks for. Everything a delivery needs, and nothing else.
NEEDED_PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    attach_files=True,
    embed_links=True,
    read_message_history=True,
)


#: discord.py waits up to 17 minutes after ten lost connections, and counts those of half an hour; nobody would be
#: answered meanwhile. Trying so often comes to fewer than the 1000 identifies that Discord allows in a day
#: (events/gateway, Session Limits).
LONGEST_RECONNECT_S = 90.0


class Reconnects(ExponentialBackoff[Any]):
    """How long to wait before the gateway is tried again."""

    def delay(self) -> float:  # type: ignore[override]
        """Return the next wait in seconds."""
        return min(super().delay(), LONGEST_RECONNECT_S)


class CleanTree(app_commands.CommandTree[Any]):
    """Our commands. What is typed into them comes without control characters."""

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Clean what was typed, before any command or suggestion reads it, and complete threads that were chosen."""
        interaction.data = clean(interaction.data)
        _complete_threads(interaction.data or {})
        return True


def _complete_threads(data: Any) -> None:
    """Give a chosen thread the keys that discord.py demands. Threads are documented to come with their parent and
    metadata alone (interactions/receiving-and-responding, Resolved Data), and the command would stay unanswered."""
    for channel in ((data.get("resolved") or {}).get("channels") or {}).values():
        if "thread_metadata" in channel:
            for key in ("owner_id", "member_count", "message_count"):
                channel.setdefault(key, 0)


class BotClient(discord.AutoShardedClient):
    """The connection to Discord. After `sign_in` it can do REST; `connect` adds the gateway.

    `api_base` is set for the whole process: discord.py keeps it on a class. So are the waits before a reconnect.
    """

    def __init__(
        self,
        *,
        api_base: str,
        take: Take | None = None,
        observe: Observe = lambda method, route, status: None,
        shard_count: int | None = None,
        shard_ids: list[int] | None = None,
    ) -> None:
        Route.BASE = api_base.rstrip("/")
        shard.ExponentialBackoff = Reconnects  # type: ignore[attr-defined]
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # there is no voice here to warn about
        shards: dict[str, Any] = {} if shard_ids is None else {"shard_ids": shard_ids}
        super().__init__(
            intents=discord.Intents(guilds=True),
            max_messages=None,
            chunk_guilds_at_startup=False,
            allowed_mentions=discord.AllowedMentions.none(),
            http_trace=trace(take or Window(), observe, lambda: self._is_signed_in),
            shard_count=shard_count,
            **shards,
        )
        tolerate(self._connection.parsers)
        self.tree: app_commands.CommandTree[BotClient] = CleanTree(self)
        self.on_button: ButtonHandler | None = None
        self._has_begun = self._is_signed_in = False

    async def sign_in(self, token: str) -> None:
        """Log in over REST and learn the gateway's address (an explicit shard count never asks for it by itself).

        Raises:
            SettingsInvalid: Discord refuses the token.
            DeliveryRetry: Discord cannot be reached now.
        """
        self._has_begun = True
        try:
            await self.login(token)
            _, gateway, _ = await self.http.get_bot_gateway()
        except discord.LoginFailure as error:
            raise SettingsInvalid(
                "DISCORD_TOKEN: Discord does not accept it; copy the bot's token anew from "
                "https://discord.com/developers/applications (Bot, Reset Token), for example MTIz….GaBcDe.xyz…"
            ) from error
        except discord.HTTPException as error:
            raise DeliveryRetry(error.code, status=error.status) from error
        except (discord.GatewayNotFound, aiohttp.ClientError, OSError, TimeoutError) as error:
            raise DeliveryRetry from error
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
        self._is_signed_in = True

    async def close(self) -> None:
        """Close every connection; nothing to do where `sign_in` was never tried (discord.py would fail then)."""
        if self._has_begun:
            await super().close()

    def invite_link(self) -> str:
        """Return the address at which a server's admin adds the bot, with the permissions that it needs.

        Only after `sign_in`.
        """
        return discord.utils.oauth_url(
            self.application_id or 0, permissions=NEEDED_PERMISSIONS, scopes=("bot", "applications.commands")
        )

    def owner_ids_of_application(self) -> frozenset[int]:
        """Return who owns the application: its team's members, else its owner. Only after `sign_in`."""
        application = self.application
        if application is None:
            return frozenset()
        if application.team is not None:
            return frozenset(member.id for member in application.team.members)
        return frozenset({application.owner.id})
