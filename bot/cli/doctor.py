"""`check`: the doctor."""

import argparse
from typing import Any

from bot import log
from bot.app.doctor import Finding, examine
from bot.cli.output import put
from bot.cli.start import Commands, add_command
from bot.settings import Settings


def register(commands: "Commands[Any]") -> None:
    """Add the command."""
    add_command(commands, "check", "check everything that running needs; exit 1 if anything is wrong", check)


async def check(arguments: argparse.Namespace) -> int:
    """Print one line for each finding as it is made."""
    findings = []
    async for finding in examine(_load):
        findings.append(finding)
        if not arguments.is_json:
            put(False, None, [_line(finding)])
    if arguments.is_json:
        put(True, [{"name": f.name, "ok": f.is_ok, "sentence": f.sentence} for f in findings], ())
    return 0 if all(finding.is_ok for finding in findings) else 1


def _load() -> Settings:
    settings = Settings.load()
    log.configure("CRITICAL", settings.log_format, settings.secrets)  # the findings say it all
    return settings


def _line(finding: Finding) -> str:
    return f"{'ok  ' if finding.is_ok else 'FAIL'} {finding.name}: {finding.sentence}"
