"""`pause` and `resume`: stop handing jobs to a provider, beside a running bot."""

import argparse
from collections.abc import Sequence
from typing import Any

from bot.app.desk import open_desk
from bot.cli.output import CommandFailed, put
from bot.cli.start import Commands, add_command, load_settings
from bot.settings import PROVIDERS, Settings


def register(commands: "Commands[Any]") -> None:
    """Add the commands."""
    for name, about, command in (
        ("pause", "stop handing jobs to a provider, or to all; jobs wait", pause),
        ("resume", "hand jobs to a provider again, or to all, whatever stopped it", resume),
    ):
        parser = add_command(commands, name, about, command)
        parser.add_argument(
            "provider", nargs="?", metavar="PROVIDER", choices=PROVIDERS, help=f"one of {', '.join(PROVIDERS)}"
        )


async def pause(arguments: argparse.Namespace) -> int:
    """Pause one provider, or all.

    Raises:
        CommandFailed: the provider is not in use.
    """
    settings = load_settings()
    chosen = _chosen(settings, arguments.provider)
    async with open_desk(settings) as desk:
        for name in chosen:
            await desk.breaker.pause_provider(name)
    put(arguments.is_json, {"paused": list(chosen)}, [f"{name} gets no jobs until it is resumed." for name in chosen])
    return 0


async def resume(arguments: argparse.Namespace) -> int:
    """Resume one provider, or all.

    Raises:
        CommandFailed: the provider is not in use.
    """
    settings = load_settings()
    chosen = _chosen(settings, arguments.provider)
    async with open_desk(settings) as desk:
        for name in chosen:
            await desk.breaker.resume_provider(name)
    put(arguments.is_json, {"resumed": list(chosen)}, [f"{name} gets jobs again." for name in chosen])
    return 0


def _chosen(settings: Settings, provider: str | None) -> Sequence[str]:
    """Return the named provider, else every one that has a key."""
    in_use = settings.enabled_providers
    if not in_use:
        raise CommandFailed("No provider has an API key here, so there is nothing to pause or resume.")
    if provider is None:
        return in_use
    if provider not in in_use:
        variable = f"{provider.replace('-', '_').upper()}_API_KEY"
        raise CommandFailed(f"{provider} is not in use: {variable} is not set. In use: {', '.join(in_use)}.")
    return [provider]
