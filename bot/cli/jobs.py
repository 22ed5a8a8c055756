"""`jobs`: jobs with their history; parked ones retried or given up."""

import argparse
from typing import Any

from bot.app.desk import Desk, open_desk
from bot.cli.output import amount, clock_time, moment, put
from bot.cli.start import Commands, add_command, identifier, load_settings
from bot.domain.jobs import Job, JobState
from bot.services.queries import JobEvent

SHOWN_PROMPT_CHARS = 50
MOST_LISTED = 10_000
LONGEST_TASK_ID = 200


def register(commands: "Commands[Any]") -> None:
    """Add the commands."""
    parser = add_command(commands, "jobs", "list jobs; or show, retry or give up one", list_jobs)
    parser.add_argument("--guild", type=identifier, help="only this server's")
    parser.add_argument("--user", type=identifier, help="only this member's")
    parser.add_argument(
        "--state", choices=[state.value for state in JobState], metavar="STATE", help="only in this state"
    )
    parser.add_argument("--open", dest="is_open", action="store_true", help="only those that have not come to an end")
    parser.add_argument("--limit", type=_count, default=100, help="how many, newest first (default: 100)")
    actions = parser.add_subparsers(metavar="show|retry|fail", parser_class=type(parser))
    for name, about, command in (
        ("show", "show a job with its history", show),
        ("retry", "give a parked job another go, or look at an unknown one now", retry),
        ("fail", "give a parked or unknown job up; its credits are released", fail),
    ):
        action = add_command(actions, name, about, command)
        action.add_argument("id", type=str.upper, help="the job's id")
        if command is retry:
            told = "the provider's task that an unknown job is, where you found it yourself"
            action.add_argument("--task", type=_task, metavar="TASK", help=told)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:10]) <= MOST_LISTED):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_LISTED}")
    return int(text)


def _task(text: str) -> str:
    if not text.strip() or len(text) > LONGEST_TASK_ID:
        raise argparse.ArgumentTypeError(f"{text!r} is not a task's id: it has 1 to {LONGEST_TASK_ID} characters")
    return text.strip()


async def list_jobs(arguments: argparse.Namespace) -> int:
    """Print jobs, newest first."""
    async with open_desk(load_settings()) as desk:
        found = await desk.queries.jobs(
            user_id=arguments.user,
            guild_id=arguments.guild,
            state=arguments.state,
            only_open=arguments.is_open,
            limit=arguments.limit,
        )
    put(arguments.is_json, [_as_json(job) for job in found], [_as_line(job) for job in found] or ["No jobs."])
    return 0


async def show(arguments: argparse.Namespace) -> int:
    """Print one job with its history.

    Raises:
        NotFound: no such job.
    """
    async with open_desk(load_settings()) as desk:
        await _put_one(desk, arguments)
    return 0


async def retry(arguments: argparse.Namespace) -> int:
    """Let a parked job try again, or tell an unknown one its task, and print it.

    Raises:
        NotFound: no such job.
        Refused: it is neither parked nor unknown, or another job has the task.
    """
    async with open_desk(load_settings()) as desk:
        if arguments.task is None:
            await desk.retry_job(arguments.id)
        else:
            await desk.name_task(arguments.id, arguments.task)
        await _put_one(desk, arguments)
    return 0


async def fail(arguments: argparse.Namespace) -> int:
    """Give a parked or unknown job up, and print it.

    Raises:
        NotFound: no such job.
        Refused: it is neither parked nor unknown.
    """
    async with open_desk(load_settings()) as desk:
        await desk.fail_job(arguments.id)
        await _put_one(desk, arguments)
    return 0


async def _put_one(desk: Desk, arguments: argparse.Namespace) -> None:
    job = await desk.queries.job_for_operator(arguments.id)
    history = await desk.queries.history(arguments.id)
    value = {**_as_json(job), "history": [_event(event) for event in history]}
    lines = [
        *(f"{name}: {'-' if fact is None else fact}" for name, fact in _as_json(job).items()),
        "history:",
        *(f"  {clock_time(e.at)}  {e.before or 'new'} -> {e.after}  ({e.cause})" for e in history),
    ]
    put(arguments.is_json, value, lines)


def _event(event: JobEvent) -> dict[str, Any]:
    return {"at": moment(event.at), "before": event.before, "after": event.after, "cause": event.cause}


def _as_line(job: Job) -> str:
    prompt = " ".join(job.spec.prompt.split())
    prompt = prompt if len(prompt) <= SHOWN_PROMPT_CHARS else f"{prompt[: SHOWN_PROMPT_CHARS - 1]}…"
    state = f"{job.state} (parked)" if job.is_parked else job.state.value
    cost = job.quote if job.actual is None else job.actual
    return f"{job.id}  {clock_time(job.created_at)}  {state:<18} {cost!s:>8}  {job.guild_id}/{job.user_id}  {prompt}"


def _as_json(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "state": job.state.value,
        "guild_id": str(job.guild_id),
        "channel_id": str(job.channel_id),
        "user_id": str(job.user_id),
        "model": job.spec.model,
        "prompt": job.spec.prompt,
        "duration_s": job.spec.duration_s,
        "resolution": job.spec.resolution,
        "is_private": job.is_private,
        "quote": amount(job.quote),
        "actual": amount(job.actual),
        "created_at": moment(job.created_at),
        "updated_at": moment(job.updated_at),
        "finished_at": moment(job.finished_at),
        "task_id": job.task_id,
        "attempt": job.attempt,
        "submit_attempt": job.submit_attempt,
        "parked_reason": job.parked_reason,
        "error_code": job.error_code,
        "delivery_number": job.delivery_number,
        "delivery_rung": job.delivery_rung,
        "message_id": None if job.message_id is None else str(job.message_id),
    }
