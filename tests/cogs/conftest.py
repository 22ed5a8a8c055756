"""A simulated Discord in process, the real commands and services on SQLite, fakes only beyond them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import discord
import pytest
import simcord

import cogs
from bot.db.engine import Database
from bot.discord.client import BotClient
from bot.discord.messenger import RestMessenger
from bot.discord.render import Renderer
from bot.discord.sync import sync_commands
from bot.domain.errors import BotError
from bot.i18n import Catalogue
from bot.media.charts import Charts
from bot.services.config import MoneyRules
from cogs.services import Services
from tests.manual_clock import ManualClock
from tests.services.world import World

API_BASE = "https://discord.com/api/v10"
#: How long an interaction may take in real time; a busy machine needs more than the usual five seconds.
SETTLE_TIMEOUT_S = 60.0
SHORT_READS = (
    "bot.services.styles.READ_TIMEOUT_S",
    "cogs.jobs.SUGGEST_TIMEOUT_S",
    "cogs.refund.SUGGEST_TIMEOUT_S",
    "cogs._moderators.LOOK_TIMEOUT_S",
    "cogs.rerun.LOOK_TIMEOUT_S",
    "cogs.settings.READ_TIMEOUT_S",
    "cogs.usage.NAMES_TIMEOUT_S",
)
CATALOGUE = Catalogue.load()


async def make_client(world: World) -> BotClient:
    """Make a bot on the world's services, as one start of the process would."""
    client = BotClient(api_base=API_BASE, shard_count=1)
    world.messenger = RestMessenger(client, Renderer(CATALOGUE), world.clock)
    world.restart()
    await cogs.setup(
        client,
        Services(
            **{one.name: getattr(world, one.name) for one in fields(Services) if hasattr(world, one.name)},
            catalogue=CATALOGUE,
            charts=Charts(),
        ),
    )
    return client


@dataclass
class Stage:
    """A server with a channel, two members and a moderator; `world` works on what they ask for."""

    env: simcord.Env
    world: World
    saved: dict[str, str] = field(default_factory=dict)
    expected_errors: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.guild = self.env.create_guild()
        self.channel = self.guild.create_text_channel("clips")
        self.ann = self.guild.add_member(self.env.create_user("ann"))
        self.ben = self.guild.add_member(self.env.create_user("ben"))
        staff = self.guild.create_role("staff", permissions=discord.Permissions(manage_guild=True))
        self.mo = self.guild.add_member(self.env.create_user("mo"), roles=[staff])

        complete_deleted_placeholders(self.env)

    async def sync(self, client: BotClient) -> bool:
        """Register the commands if they changed; returns whether they did."""

        async def load(key: str) -> str | None:
            return self.saved.get(key)

        async def save(key: str, text: str) -> None:
            self.saved[key] = text

        return await sync_commands(
            client.tree, application_id=client.application_id or 0, guild_id=None, load=load, save=save
        )

    async def restart(self, **rules: object) -> None:
        """End the bot and start it anew on the same database, with other money rules if given."""
        self.world.rules = replace(self.world.rules, **rules)
        client = await make_client(self.world)
        await self.env.restart_bot(client)

    def pinged(self, message_id: int) -> set[int]:
        """Say whom a message of the channel notified."""
        message = self.env.backend.get_message(self.channel.id, message_id)
        assert not message.mention_everyone
        assert not message.ping_role_ids
        return {int(user_id) for user_id in message.ping_user_ids}

    async def work(self) -> None:
        """Let the workers bring everything to its end."""
        await self.world.run_until_quiet(within_s=600)
        await self.env.settle()


def complete_deleted_placeholders(env: simcord.Env) -> None:
    """Let a follow-up after a deleted placeholder be a new message, as Discord does; simcord 3.2.1 still fills it."""
    delete = env.backend.delete_message

    def delete_message(channel_id: int, message_id: int) -> None:
        delete(channel_id, message_id)
        for record in env.backend.interactions.values():
            if record.message_id == message_id and record.loading:
                record.complete_deferred()

    env.backend.delete_message = delete_message  # type: ignore[method-assign]


def is_answered(error: BaseException) -> bool:
    """Tell whether an error of a command is a refusal, which simcord records although it was answered."""
    return isinstance(getattr(error, "original", error), BotError)


@asynccontextmanager
async def playing(client: BotClient) -> AsyncIterator[simcord.Env]:
    """A simulated Discord with the bot in it; whatever fails, discord.py is left as it was."""
    env = simcord.Env(client, check_errors=False, settle_timeout=SETTLE_TIMEOUT_S)
    try:
        await env.start()
        yield env
    finally:
        await env.shutdown()


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the reads before a form or a suggestion, which have 300 ms, what a stalled machine needs."""
    for limit in SHORT_READS:
        monkeypatch.setattr(limit, SETTLE_TIMEOUT_S)


@pytest.fixture
async def stage(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """The stage, with a bot that has registered its commands."""
    database = Database(sqlite_url)
    world = World(database, ManualClock(), tmp_path, rules=MoneyRules(guild_pool=None))
    client = await make_client(world)
    async with playing(client) as env:
        made = Stage(env, world)
        assert await made.sync(client)
        await env.settle()
        yield made
    await world.close()
    await database.dispose()
    assert [error for error in env.errors if not is_answered(error)] == made.expected_errors


def said(result: simcord.InteractionResult) -> str:
    """Everything that an answer says, its embeds and follow-ups included."""
    messages = [message for message in (result.response, *result.followups) if message is not None]
    parts = []
    for message in messages:
        parts.append(message.content)
        for embed in message.embeds:
            parts += [embed.title or "", embed.description or "", *(f"{f.name}: {f.value}" for f in embed.fields)]
    return "\n".join(parts)
