"""`balance`, `pool` and `ledger`: the books."""

import argparse
from typing import Any

from bot.app.desk import open_desk
from bot.cli.output import amount, clock_time, moment, put, shown
from bot.cli.start import Commands, add_command, identifier, load_settings
from bot.domain.money import Credits, Limit
from bot.services.queries import BalanceView

UNLIMITED = "unlimited"


def register(commands: "Commands[Any]") -> None:
    """Add the commands."""
    parser = add_command(commands, "balance", "show the figures of /balance for one member", balance)
    parser.add_argument("--guild", type=identifier, required=True, help="the server's id")
    parser.add_argument("--user", type=identifier, required=True, help="the member's id")
    parser = add_command(commands, "pool", "set what a server may spend a month", pool)
    parser.add_argument("--guild", type=identifier, required=True, help="the server's id")
    parser.add_argument("--credits", type=_limit, required=True, help="a number of credits, or unlimited")
    parser = add_command(commands, "ledger", "prove the books", verify)
    parser.add_argument("action", choices=["verify"], help="verify: recompute every balance from the entries")


def _limit(text: str) -> Limit:
    if text.lower() == UNLIMITED:
        return None
    try:
        return Credits.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount; use a number such as 500, or unlimited") from None


async def balance(arguments: argparse.Namespace) -> int:
    """Print one member's figures."""
    async with open_desk(load_settings()) as desk:
        view = await desk.queries.balance(guild_id=arguments.guild, user_id=arguments.user)
    put(arguments.is_json, _as_json(view), _as_lines(view))
    return 0


async def pool(arguments: argparse.Namespace) -> int:
    """Set one server's pool; it counts from the next request on."""
    async with open_desk(load_settings()) as desk:
        await desk.budgets.set_pool(guild_id=arguments.guild, actor="operator", limit=arguments.credits)
    what = "without limit" if arguments.credits is None else f"{arguments.credits} credits a month"
    put(
        arguments.is_json,
        {"guild_id": str(arguments.guild), "credits": amount(arguments.credits)},
        [f"Server {arguments.guild} may spend {what}."],
    )
    return 0


async def verify(arguments: argparse.Namespace) -> int:
    """Recompute every balance; each difference is a line, and the exit code is 1 if there is any."""
    async with open_desk(load_settings()) as desk:
        differences = await desk.verify_ledger()
    put(
        arguments.is_json,
        {"ok": not differences, "differences": differences},
        differences or ["The ledger is exact: every balance equals the sum of its entries."],
    )
    return 1 if differences else 0


def _as_json(view: BalanceView) -> dict[str, Any]:
    line = view.allowance
    return {
        "allowance": {
            "limit": amount(line.limit),
            "settled": amount(line.settled),
            "held": amount(line.held),
            "available": amount(_available(view)),
            "ends_at": moment(line.ends_at),
        },
        "wallet": amount(view.wallet),
        "wallet_expires": [{"amount": amount(left), "expires_at": moment(at)} for left, at in view.wallet_expires],
        "held": amount(view.held),
        "open_jobs": view.open_jobs,
        "entries": [
            {
                "at": moment(entry.at),
                "kind": entry.kind,
                "amount": amount(entry.amount),
                "job_id": entry.job_id,
                "reason": entry.reason,
            }
            for entry in view.entries
        ],
    }


def _available(view: BalanceView) -> Limit:
    line = view.allowance
    return None if line.limit is None else max(Credits(0), line.limit - line.settled - line.held)


def _as_lines(view: BalanceView) -> list[str]:
    line = view.allowance
    return [
        f"Allowance: {shown(_available(view))} of {shown(line.limit)} left,"
        f" {line.settled} spent, until {clock_time(line.ends_at)}",
        f"Wallet: {view.wallet}",
        *(f"  {left} expires {clock_time(at)}" for left, at in view.wallet_expires if at is not None),
        f"Held: {view.held} for {view.open_jobs} open jobs",
        *(
            f"  {clock_time(entry.at)}  {entry.kind:<8} {entry.amount}  {entry.job_id or ''}  {entry.reason}".rstrip()
            for entry in view.entries
        ),
    ]
