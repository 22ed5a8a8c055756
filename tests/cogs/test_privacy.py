"""`/privacy` as people see it."""

import io
import json
import zipfile
from datetime import timedelta

from tests.cogs.conftest import Stage, said


async def _document(result: object) -> dict:
    """Read the exported file."""
    (file,) = result.response.attachments  # type: ignore[attr-defined]
    assert file.filename.startswith("seedance-data-")
    with zipfile.ZipFile(io.BytesIO(await file.read())) as archive:
        assert archive.namelist() == ["data.json", "ledger.csv"]
        return dict(json.loads(archive.read("data.json")))


async def test_export_is_a_private_file_of_ones_own_data(stage: Stage) -> None:
    """Over all servers, in a server and in direct messages; others' data are not in it."""
    await stage.ann.slash(stage.channel, "video", prompt="a fox")
    await stage.ben.slash(stage.channel, "video", prompt="a bear")

    here = await stage.ann.slash(stage.channel, "privacy export")
    direct = await stage.ann.user.slash("privacy export")

    assert here.ephemeral
    for result in (here, direct):
        document = await _document(result)
        assert [job["request"]["prompt"] for job in document["jobs"]] == ["a fox"]
        assert document["user_id"] == str(stage.ann.id)


async def test_deletion_is_asked_for_and_done(stage: Stage) -> None:
    """The question says what stays; afterwards nothing is left to list or to delete."""
    await stage.ann.slash(stage.channel, "video", prompt="a fox")
    await stage.work()

    asked = await stage.ann.slash(stage.channel, "privacy delete")
    question = said(asked)
    done = await stage.ann.click(asked.response, label="Delete everything")

    assert asked.ephemeral
    assert "1 job" in question
    assert "cannot be undone" in question
    assert "still counts until its end" in question
    assert said(done).startswith("Deleted.")
    assert "No such jobs" in said(await stage.ann.slash(stage.channel, "jobs list"))
    assert "nothing about you" in said(await stage.ann.slash(stage.channel, "privacy delete"))


async def test_deletion_may_be_declined(stage: Stage) -> None:
    """Everything stays."""
    await stage.ann.slash(stage.channel, "video", prompt="a fox")
    await stage.work()
    asked = await stage.ann.slash(stage.channel, "privacy delete")

    kept = await stage.ann.click(asked.response, label="Keep it")

    assert said(kept) == "Nothing was deleted."
    assert len(await stage.world.queries.jobs(user_id=stage.ann.id)) == 1


async def test_the_question_can_be_answered_after_a_restart(stage: Stage) -> None:
    """In direct messages as well."""
    await stage.ann.slash(stage.channel, "video", prompt="a fox")
    await stage.work()
    asked = await stage.ann.user.slash("privacy delete")
    await stage.restart()

    done = await stage.ann.user.click(asked.response, label="Delete everything")

    assert said(done).startswith("Deleted.")


async def test_open_jobs_are_named(stage: Stage) -> None:
    """At the question and, where one was begun since, at the answer."""
    await stage.ann.slash(stage.channel, "video", prompt="a fox")
    (job,) = await stage.world.queries.jobs(user_id=stage.ann.id)

    refused = await stage.ann.slash(stage.channel, "privacy delete")
    await stage.work()
    asked = await stage.ann.slash(stage.channel, "privacy delete")
    await stage.ann.slash(stage.channel, "video", prompt="a bear")
    late = await stage.ann.click(asked.response, label="Delete everything")

    assert f"not finished yet: {job.id}" in said(refused)
    assert refused.response.ephemeral
    assert "1 of your jobs is not finished yet" in said(late)
    assert len(await stage.world.queries.jobs(user_id=stage.ann.id)) == 2


async def test_posted_clips_say_that_their_buttons_know_nobody_any_more(stage: Stage) -> None:
    """A press on an erased job's button is answered with a sentence."""
    await stage.ann.slash(stage.channel, "video", prompt="a fox")
    await stage.work()
    clip = next(message for message in stage.channel.history() if message.attachments)
    asked = await stage.ann.slash(stage.channel, "privacy delete")
    await stage.ann.click(asked.response, label="Delete everything")

    pressed = await stage.ann.click(clip, label="Delete")

    assert pressed.ephemeral
    assert said(pressed).startswith("Only whoever asked for job")


async def test_a_watched_job_is_named_with_its_time(stage: Stage) -> None:
    """As a moment that Discord shows in the reader's own time."""
    await stage.ann.slash(stage.channel, "video", prompt="a fox")
    await stage.work()
    (job,) = await stage.world.queries.jobs(user_id=stage.ann.id)
    await stage.world.change(job, watch_until=stage.world.clock.now() + timedelta(days=2))

    refused = said(await stage.ann.slash(stage.channel, "privacy delete"))

    assert f"must be booked: {job.id}. Your data can be deleted <t:" in refused
