"""A bare aiohttp handler that commits one row to a SQLite file for each POST, with the bot's driver and pragmas."""

import asyncio
import sys
import time

import aiosqlite
import uvloop
from aiohttp import web

PRAGMAS = ("busy_timeout=15000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY")
ROW = "INSERT INTO notice (address, body, at) VALUES (?, ?, ?)"


async def main(path: str) -> None:
    """Listen, say the port on the first line, and serve until the process is ended."""
    async with aiosqlite.connect(path, isolation_level=None) as database:
        for pragma in PRAGMAS:
            await database.execute(f"PRAGMA {pragma}")
        await database.execute("CREATE TABLE notice (id INTEGER PRIMARY KEY, address TEXT, body BLOB, at REAL)")

        async def handle(request: web.Request) -> web.Response:
            body = await request.read()
            await database.execute(ROW, (request.path, body, time.time()))
            return web.json_response({"ok": True})

        app = web.Application()
        app.router.add_post("/callbacks/{provider}/{job}/{signature}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1]))
