"""A few lines of discord.py in the place of the bot: makes a clip, answers privately, suggests, and can keep silent."""

import asyncio
import io
import os

import aiohttp
import discord
from discord import app_commands
from discord.gateway import DiscordWebSocket
from yarl import URL

from tests.playground.page import stand_in_forms

API = os.environ["DISCORD_API_BASE"]
PROVIDER = os.environ["SEEDANCE2_MOVIE_BASE_URL"] + "/api/v1/video"
HEADERS = {"X-API-Key": os.environ["SEEDANCE2_MOVIE_API_KEY"]}


class StandIn(discord.Client):
    """Registers its commands at every start."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents(guilds=True), max_messages=None, chunk_guilds_at_startup=False)
        self.tree = app_commands.CommandTree(self)
        stand_in_forms.register(self.tree)

    async def setup_hook(self) -> None:
        """Point the gateway at the simulation and register the commands."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(API + "/gateway/bot", headers=authorization()) as answer,
        ):
            DiscordWebSocket.DEFAULT_GATEWAY = URL((await answer.json())["url"])
        guild = discord.Object(int(os.environ["DISCORD_GUILD_ID"]))
        self.tree.copy_global_to(guild=guild)
        await self.tree.sync(guild=guild)


def authorization() -> dict[str, str]:
    """The header of Discord's REST API."""
    return {"Authorization": "Bot " + os.environ["DISCORD_TOKEN"]}


bot = StandIn()


@bot.tree.command(description="Make a clip")
@app_commands.describe(
    prompt="What the clip shows", model="Which model", duration="Seconds", resolution="Picture height"
)
@app_commands.choices(resolution=[app_commands.Choice(name=name, value=name) for name in ("480p", "720p", "1080p")])
async def video(  # noqa: PLR0917 -- discord.py passes a command's options by name
    itx: discord.Interaction,
    prompt: app_commands.Range[str, 3, 6000],
    model: str = "seedance-2.0",
    duration: app_commands.Range[int, 4, 15] = 5,
    resolution: str = "720p",
    start_image: discord.Attachment | None = None,
    audio: bool = False,
) -> None:
    """Defer, make a task, show a card, post the clip."""
    await itx.response.defer(thinking=True)
    body = {
        "model": model,
        "content": [{"type": "text", "text": prompt}],
        "duration": duration,
        "resolution": resolution,
    }
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        async with session.post(PROVIDER + "/task", json=body) as answer:
            task = (await answer.json())["result"]
        facts = f"`{model}` · {resolution} · {duration} s · {task['credit_cost']} credits"
        card = f"**{discord.utils.escape_markdown(prompt)}**\n{facts}"
        ready = discord.utils.format_dt(discord.utils.utcnow(), "R")
        view = discord.ui.View(timeout=None).add_item(
            discord.ui.Button(label="Cancel", style=discord.ButtonStyle.danger, custom_id="cancel")
        )
        message = await itx.edit_original_response(content=f"{card}\nRendering since {ready}", view=view)
        while task["status"] not in ("completed", "failed"):
            await asyncio.sleep(0.1)
            async with session.get(f"{PROVIDER}/task/{task['task_id']}") as answer:
                task = (await answer.json())["result"]
        await itx.edit_original_response(content=f"{card}\n{task['status']}", view=None)
        async with session.get(URL(task["video_url"], encoded=True)) as answer:
            clip = discord.File(io.BytesIO(await answer.read()), "clip.mp4")
    await message.channel.send(f"{itx.user.mention} **your clip**", file=clip, reference=message)


@video.autocomplete("model")
async def models(_itx: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """Two models."""
    names = {"Seedance 2.0": "seedance-2.0", "Seedance 2.0 fast": "seedance-2.0-fast"}
    return [
        app_commands.Choice(name=name, value=value) for name, value in names.items() if typed.lower() in name.lower()
    ]


@bot.tree.command(description="What you may still spend")
async def balance(itx: discord.Interaction) -> None:
    """Answer privately."""
    await itx.response.send_message("You have **41.0** credits left", ephemeral=True)


@bot.tree.command(description="Never answers")
async def silence(_itx: discord.Interaction) -> None:
    """Let the three seconds pass."""


if __name__ == "__main__":
    discord.http.Route.BASE = API
    bot.run(os.environ["DISCORD_TOKEN"])
