"""The simulated providers alone, for a bot on real Discord that should not spend real money."""

import asyncio
import errno

from playground.emulators import Emulators

DEFAULT_PORT = 8766
"""Of the first provider; the others listen on the two ports after it."""


async def serve_providers(port: int | None) -> int:
    """Print the settings that point a bot at them; serve until cancelled. Raises OSError for a chosen port in use."""
    emulators = await _start(port)
    try:
        print(_welcome(emulators), flush=True)
        await asyncio.Event().wait()
    finally:
        await emulators.stop()
    return 0


def _welcome(emulators: Emulators) -> str:
    settings = emulators.settings() | {"PROVIDER_ALLOW_PRIVATE_HOSTS": "true"}
    block = "\n".join(f"{name}={value}" for name, value in settings.items())
    return (
        "\n  The simulated providers are ready. Put this into `.env` beside your DISCORD_TOKEN, then `make run`:\n\n"
        f"{block}\n\n"
        "  They answer as the real ones do, at the real pace (seedance2ai: 30 requests a minute), and cost nothing.\n"
        "  Ctrl-C stops them.\n"
    )


async def _start(port: int | None) -> Emulators:
    try:
        return await Emulators.start(DEFAULT_PORT if port is None else port)
    except OSError as error:
        if port is not None or error.errno != errno.EADDRINUSE:
            raise
    return await Emulators.start()
