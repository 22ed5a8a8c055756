"""The log: fields, formats, and no secret in any line."""

import json
import logging
from collections.abc import Iterator

import pytest

from bot import log

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4OQ.GaBcDe.abcdefghijklmnopqrstuvwxyz0123456789AB"
INTERACTION = "aW50ZXJhY3Rpb246MTIzNDU2Nzg5MDEyMzQ1Njc4OTphYmNkZWZnaGlqa2xtbm9w"


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    """Put the loggers back after each test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("kind", ["text", "json"])
@pytest.mark.parametrize(
    "line",
    [
        "https://store.example/clip.mp4?X-Amz-Signature=SECRET-abc&X-Amz-Expires=60",
        "POST /callbacks/seedance2-movie/0123456789AB/SECRET-sig HTTP/1.1",
        "GET /media/SECRET-token/clip.mp4",
        f"POST https://discord.com/api/v10/webhooks/123/{INTERACTION}/messages/@original",
        f"/interactions/123/{INTERACTION}/callback",
        f"token {INTERACTION} expired",
        f"logging in with {TOKEN}",
        "headers {'X-API-Key': 'SECRET-key'}",
        "Authorization: Bearer SECRET-bearer-0123456789",
        f"Authorization: Bot {TOKEN}",
        "postgresql+asyncpg://bot:SECRET-password@db/bot",
        "the key my-own-SECRET-value was refused",
    ],
)
def test_no_secret_reaches_a_line(capsys: pytest.CaptureFixture[str], kind: str, line: str) -> None:
    """In the message, in a field and in a traceback alike."""
    log.configure("INFO", "json" if kind == "json" else "text", ["my-own-SECRET-value"])
    logger = logging.getLogger("bot.test")

    logger.info(line)
    logger.info("event", extra={"address": line})
    try:
        raise ValueError(line)
    except ValueError:
        logger.exception("failed")

    written = capsys.readouterr().err
    assert written.count("***") >= 3
    assert not [secret for secret in ("SECRET", TOKEN, INTERACTION) if secret in written]


def test_text_lines_have_the_event_and_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """What a person reads: moment, level, logger, event, fields; a value with spaces is quoted."""
    log.configure("INFO", "text")
    logging.getLogger("bot.jobs").info("job.submitted", extra={"job_id": "ABC", "reason": "two words"})

    assert capsys.readouterr().err.endswith('Z INFO    bot.jobs: job.submitted job_id=ABC reason="two words"\n')


def test_json_lines_are_one_object_each(capsys: pytest.CaptureFixture[str]) -> None:
    """What a machine reads: the same facts as an object, numbers as numbers, a traceback in one line."""
    log.configure("INFO", "json", ["hush-hush"])
    try:
        raise ValueError('quoted "hush-hush"\nand a second line')
    except ValueError:
        logging.getLogger("bot.jobs").warning("job.failed", exc_info=True, extra={"count": 3, "word": "hush-hush"})

    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert (entry["event"], entry["level"], entry["count"], entry["word"]) == ("job.failed", "WARNING", 3, "***")
    assert "ValueError" in entry["traceback"]
    assert "hush-hush" not in line


def test_the_level_is_kept_and_libraries_stay_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """INFO of the bot shows; INFO of the libraries below it does not."""
    log.configure("INFO", "text")
    logging.getLogger("bot.x").debug("hidden")
    logging.getLogger("discord.gateway").info("hidden")
    logging.getLogger("bot.x").info("seen")

    written = capsys.readouterr().err
    assert "hidden" not in written
    assert "seen" in written
