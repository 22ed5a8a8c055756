"""The simulated providers alone, for a bot on real Discord that should not spend real money."""

import asyncio
import errno

from playground.providers import Seedance2Movie

DEFAULT_PORT = 8766


async def serve_providers(port: int | None) -> int:
    """Print the settings that point a bot at them; serve until cancelled. Raises OSError for a chosen port in use."""
    movie = await _start(port)
    try:
        print(
            "\n  The simulated providers are ready. Put this into `.env` beside your DISCORD_TOKEN, then `make run`:"
            "\n\n"
            f"SEEDANCE2_MOVIE_API_KEY={movie.api_key}\n"
            f"SEEDANCE2_MOVIE_BASE_URL={movie.origin}\n"
            "PROVIDER_ALLOW_PRIVATE_HOSTS=true\n\n"
            "  Ctrl-C stops them.\n",
            flush=True,
        )
        await asyncio.Event().wait()
    finally:
        await movie.stop()
    return 0


async def _start(port: int | None) -> Seedance2Movie:
    try:
        return await Seedance2Movie.start(port=DEFAULT_PORT if port is None else port)
    except OSError as error:
        if port is not None or error.errno != errno.EADDRINUSE:
            raise
    return await Seedance2Movie.start()
