"""What happened to jobs, seen from outside: the provider's tasks and the channel's messages."""

import re
from typing import Any

from benchmarks.stage import channel
from playground.providers.movie_tasks import Task
from playground.rig import Rig

_JOB_IN_ADDRESS = re.compile(r"/callbacks/[^/]+/([^/]+)/")
_JOB_IN_BUTTON = re.compile(r"delete:([0-9A-Z]{12})")

Json = dict[str, Any]


def job_of(task: Task) -> str:
    """The job that a task was made for, by its callback address."""
    found = _JOB_IN_ADDRESS.search(task.callback_url or "")
    if found is None:
        raise RuntimeError("a task without a callback address")
    return found[1]


def delivered(rig: Rig) -> dict[str, Json]:
    """The clip messages in the channel by job, by the job id in their buttons."""
    messages = rig.discord.messages(channel(rig), rig.discord.people["owner"])
    with_files = [message for message in messages if message["attachments"] and message["components"]]
    found = ((_JOB_IN_BUTTON.search(str(message["components"])), message) for message in with_files)
    return {match[1]: message for match, message in found if match is not None}
