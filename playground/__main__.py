"""Command line: `python -m playground` starts the playground and prints its page's address."""

import argparse
import asyncio
import errno
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from playground.emulators import PROVIDERS
from playground.folder import data_folder
from playground.providers_only import serve_providers
from playground.rig import Rig
from playground.scripts import SCRIPTS, Script, hundred_on
from playground.scripts.steps import StepFailed, Steps

DEFAULT_PORT = 8765
MAX_PORT = 65_533  # of the providers, the second and third listen on the ports after it
CHECK = "first-clip"
EVERYWHERE = {"DISCORD_GUILD_ID": ""}  # commands of no one server: direct messages have some too
IN_USE = "Port {port} is in use by another program. Choose another one with --port, or leave --port out."
FAILED = "The playground could not start: {error}"


class StartFailed(Exception):
    """The playground could not start; the text says why and what to do."""


def main() -> int:
    """Run until Ctrl-C or SIGTERM, a script until its end. The exit code: 0, or 1 when something failed."""
    arguments = _arguments()
    script = CHECK if arguments.check else arguments.script
    try:
        if arguments.part == "providers":
            return asyncio.run(_until_told_to_stop(serve_providers(arguments.port)))
        if script:
            return asyncio.run(_until_told_to_stop(_run_script(_script(script, arguments), arguments.data_dir)))
        with data_folder(arguments.data_dir) as folder:
            return asyncio.run(_until_told_to_stop(_serve(arguments, folder)))
    except StartFailed as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        print(IN_USE.format(port=arguments.port) if in_use else FAILED.format(error=error), file=sys.stderr)
        return 1


def _arguments() -> argparse.Namespace:
    about = "The bot, unmodified, in a simulated Discord with simulated providers, in your browser."
    parser = argparse.ArgumentParser(prog="python -m playground", description=about)
    only = "`providers`: the simulated providers alone, with the settings to use beside a real Discord token"
    parser.add_argument("part", nargs="?", choices=["providers"], help=only)
    free = f"the page's port (default: {DEFAULT_PORT}, or a free one when that is in use)"
    parser.add_argument("--port", type=_port, help=free)
    parser.add_argument(
        "--data-dir", type=Path, help="keep the bot's database here; by default every start begins afresh"
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the page in a browser")
    parser.add_argument("--check", action="store_true", help=f"the same as --script {CHECK}")
    parser.add_argument("--script", choices=sorted(SCRIPTS), help="run a script without the page; exit with 0 or 1")
    parser.add_argument(
        "--provider", choices=PROVIDERS, help="of --script hundred: on which one (default: seedance2ai)"
    )
    arguments = parser.parse_args()
    if arguments.provider and arguments.script != "hundred":
        parser.error("--provider goes with --script hundred")
    return arguments


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text[:6]) <= MAX_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to {MAX_PORT}")
    return int(text)


def _script(name: str, arguments: argparse.Namespace) -> Script:
    return hundred_on(arguments.provider) if arguments.provider else SCRIPTS[name]


async def _until_told_to_stop(work: Coroutine[Any, Any, int]) -> int:
    """Do the work; Ctrl-C or SIGTERM cancel it, which stops everything that it started.

    Only the first one does: another would cancel the stopping, and leave the bot running without anybody to talk to.
    """
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: task.cancelling() or task.cancel())
    try:
        return await task
    except asyncio.CancelledError:
        print("Stopped.", flush=True)
        return 0


async def _serve(arguments: argparse.Namespace, folder: Path) -> int:
    print("Starting the playground …", flush=True)
    rig = await _start_with_page(folder, arguments.port)
    try:
        assert rig.page is not None, "started with a page"
        print(_welcome(rig, rig.page.origin), flush=True)
        if not arguments.no_browser and _has_screen():
            await asyncio.to_thread(webbrowser.open, rig.page.origin)
        await asyncio.Event().wait()
    finally:
        await rig.stop()
    return 0


async def _start_with_page(folder: Path, port: int | None) -> Rig:
    try:
        return await _start(folder, DEFAULT_PORT if port is None else port, EVERYWHERE)
    except OSError as error:
        if port is not None or error.errno != errno.EADDRINUSE:
            raise
        return await _start(folder, 0, EVERYWHERE)


async def _start(
    folder: Path,
    page_port: int | None,
    bot_env: Mapping[str, str] | None = None,
    providers: Sequence[str] = PROVIDERS,
) -> Rig:
    try:
        return await Rig.start(folder, page_port=page_port, bot_env=bot_env, providers=providers)
    except (RuntimeError, TimeoutError) as error:
        raise StartFailed(str(error)) from error


def _has_screen() -> bool:
    """Whether somebody sits before a graphical screen; without one, a text browser would take over the terminal."""
    graphical = sys.platform == "darwin" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    return sys.stdout.isatty() and graphical


def _welcome(rig: Rig, address: str) -> str:
    return (
        f"\n  The playground is ready: {address}\n\n"
        "  Open it in a browser and press Send for a first clip. No account, key or money is involved.\n"
        f"  The bot's files and log: {rig.data_dir}\n"
        "  Ctrl-C stops everything.\n"
    )


async def _run_script(script: Script, data_dir: Path | None) -> int:
    steps = Steps()
    with tempfile.TemporaryDirectory(prefix="playground-") as folder:
        rig = await _start(data_dir or Path(folder), None, script.bot_env, script.providers)
        steps.ok("the bot started, connected and registered its commands")
        try:
            await script.play(rig, steps)
        except StepFailed:
            print(f"The end of the bot's log:\n{rig.log_tail(4000)}", file=sys.stderr)
            return 1
        finally:
            await rig.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
