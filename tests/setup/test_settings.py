"""Settings: where they come from, and the one line that ends the start when one is wrong."""

from decimal import Decimal
from pathlib import Path

import pytest

from bot.settings import PROVIDERS, Settings, SettingsError, example


def load(**environ: str) -> Settings:
    """Load from these variables alone."""
    return Settings.load(environ, None)


def problem(**environ: str) -> str:
    """Return the line that these variables end the start with."""
    with pytest.raises(SettingsError) as caught:
        load(**environ)
    return str(caught.value)


def test_defaults_are_those_of_the_contract() -> None:
    """A start without any variable has the documented values."""
    settings = load()

    assert settings.discord_api_base == "https://discord.com/api/v10"
    assert settings.database_url == "sqlite+aiosqlite:///data/bot.db"
    assert settings.data_dir_max_bytes == 5 * 2**30
    assert (settings.http_port, settings.admin_port) == (8080, 8081)
    assert (settings.guild_pool_credits, settings.member_allowance_credits) == (0, 50)
    assert settings.instance_daily_credits is None
    assert settings.provider("seedance2ai").credit_rate == Decimal("0.3")
    assert [settings.provider(name).requests_per_minute for name in PROVIDERS] == [60, 30, 60]
    assert settings.enabled_providers == []


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("GUILD_POOL_CREDITS", "abc", "'abc' is not an amount."),
        ("GUILD_POOL_CREDITS", "-1", "'-1' is not an amount of 0 or more."),
        ("GUILD_POOL_CREDITS", "nan", "'nan' is not an amount of 0 or more."),
        ("INSTANCE_DAILY_CREDITS", "0.0001", "'0.0001' is finer than a thousandth of a credit."),
        ("SEEDANCE2AI_CREDIT_RATE", "0", "'0' is not above 0 and at most 10000."),
        ("SEEDANCE2AI_CREDIT_RATE", "x", "'x' is not a number."),
        ("HTTP_PORT", "99999", "'99999' is not between 0 and 65535."),
        ("HTTP_PORT", "8o80", "'8o80' is not a whole number."),
        ("SEEDANCE2_MOVIE_CONCURRENCY", "0", "'0' is not between 1 and 10000."),
        ("DISCORD_GUILD_ID", "my server", "'my server' is not a Discord id"),
        ("OPERATOR_IDS", "1,two", "'1,two' is not a Discord id"),
        ("DATA_DIR_MAX_BYTES", "5 GB", "'5 GB' is not a size"),
        ("POLL_INTERVAL_S", "0", "'0' is not above 0"),
        ("POLL_INTERVAL_S", "nan", "'nan' is not above 0"),
        ("LEASE_S", "soon", "'soon' is not a number of seconds."),
        ("PROVIDER_ALLOW_PRIVATE_HOSTS", "perhaps", "'perhaps' is neither true nor false."),
        ("MEMBER_ALLOWANCE_PERIOD", "year", "'year' is none of day, week, month."),
        ("LOG_FORMAT", "xml", "'xml' is none of text, json."),
        ("LOG_LEVEL", "LOUD", "'LOUD' is none of DEBUG, INFO, WARNING, ERROR."),
        ("DISCORD_API_BASE", "discord.com", "'discord.com' is not an http or https address."),
        ("PUBLIC_BASE_URL", "https://x.example/?a=1", "has a user name, a query or a fragment"),
        ("PUBLIC_BASE_URL", "http://x.example", "is not https"),
        ("SEEDANCE2_MOVIE_BASE_URL", "http://x.example", "is not https"),
        ("MEDIA_STORE_URL", "https://x.example", "is not the address of a bucket."),
        ("DATABASE_URL", "mysql://root@localhost/bot", "begins with neither sqlite+aiosqlite:/// nor"),
        ("DATABASE_URL", "sqlite+aiosqlite:///:memory:", "does not name a file and nothing else."),
        ("DATABASE_URL", "sqlite+aiosqlite:///bot.db?mode=ro", "does not name a file and nothing else."),
        ("DATABASE_URL", "postgresql+asyncpg://bot@localhost:port/bot", "is not the address of a database."),
        ("DATABASE_URL", "postgresql+asyncpg://bot@localhost:99999/bot", "has a port that is not between"),
        ("DATABASE_URL", "postgresql+asyncpg://bot@localhost/bot?sslmode=require", "which is called ssl here"),
        ("ADMIN_PORT", "8080", "is HTTP_PORT too"),
        ("PRICES_FILE", "/nowhere.toml", "'/nowhere.toml' is not a file that exists."),
        ("FFMPEG", "/nowhere/ffmpeg", "'/nowhere/ffmpeg' is not a program that can be run."),
        ("HTTP_HOST", "http://0.0.0.0", "is not a host name or address to listen on."),
        ("CALLBACK_SECRET", "short", "the value is shorter than 8 characters."),
        ("SHARD_IDS", "1", "needs SHARD_COUNT too."),
        ("CLIP_RETENTION_DAYS", "1.5", "'1.5' is not a whole number."),
    ],
)
def test_a_wrong_value_ends_with_one_line_that_shows_a_good_one(name: str, value: str, reason: str) -> None:
    """The line names the variable, says what is wrong, and shows an example."""
    line = problem(**{name: value})

    assert line.startswith(f"{name}: ")
    assert reason in line
    assert f"Example: {name}=" in line
    assert "\n" not in line


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_the_shown_examples_are_themselves_good(field: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever copies the example of an error gets past it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices.toml").touch()
    monkeypatch.setattr("shutil.which", lambda program: program)
    extra = {"SHARD_COUNT": "2"} if field == "shard_ids" else {}

    assert load(**{field.upper(): example(field)}, **extra)


def test_numbers_lists_and_words_become_values() -> None:
    """Units, separators and case are taken as people write them."""
    settings = load(
        DATA_DIR_MAX_BYTES="1.5GiB".replace("1.5", "2"),
        OPERATOR_IDS="1, 2 3",
        SHARD_COUNT="4",
        SHARD_IDS="3,1",
        LOG_LEVEL="debug",
        PROVIDER_ALLOW_PRIVATE_HOSTS="Yes",
        SEEDANCE2_MOVIE_DAILY_CREDITS="Unlimited",
        GUILD_POOL_CREDITS="0.125",
        PUBLIC_BASE_URL="http://127.0.0.1:8080/",
        LEASE_S="0.5",
    )

    assert settings.data_dir_max_bytes == 2 * 2**30
    assert settings.operator_ids == {1, 2, 3}
    assert settings.shard_ids == (1, 3)
    assert settings.log_level == "DEBUG"
    assert settings.provider("seedance2-movie").daily_credits is None
    assert settings.guild_pool_credits == Decimal("0.125")
    assert settings.public_base_url == "http://127.0.0.1:8080"
    assert settings.lease_s == 0.5


def test_the_environment_hides_the_file_and_empty_means_unset(tmp_path: Path) -> None:
    """`.env` fills in what the environment does not name; an empty variable is no variable."""
    file = tmp_path / ".env"
    file.write_text("HTTP_PORT=1000\nADMIN_PORT=2000\nDISCORD_TOKEN=from$file\nLOG_LEVEL=\n")

    settings = Settings.load({"HTTP_PORT": "3000", "DISCORD_TOKEN": ""}, file)
    assert (settings.http_port, settings.admin_port) == (3000, 2000)
    assert settings.discord_token is None
    assert settings.log_level == "INFO"


def test_any_setting_can_come_from_a_file(tmp_path: Path) -> None:
    """`NAME_FILE` is how containers hand secrets over; a byte order mark and line break are not part of the value."""
    (tmp_path / "token").write_bytes(b"\xef\xbb\xbfabc.def\r\n")  # as some editors on Windows write
    (tmp_path / "port").write_text("9000")
    settings = load(DISCORD_TOKEN_FILE=str(tmp_path / "token"), HTTP_PORT_FILE=str(tmp_path / "port"))

    assert settings.discord_token is not None
    assert settings.discord_token.get_secret_value() == "abc.def"
    assert settings.http_port == 9000


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing secret file does not silently mean that there is no secret."""
    assert problem(DISCORD_TOKEN_FILE=str(tmp_path / "none")).startswith("DISCORD_TOKEN_FILE: ")
    assert "both DISCORD_TOKEN and DISCORD_TOKEN_FILE" in problem(DISCORD_TOKEN="a", DISCORD_TOKEN_FILE="b")


def test_an_empty_secret_file_is_no_unset_secret(tmp_path: Path) -> None:
    """Else the playground would start in place of a bot whose token did not arrive."""
    (tmp_path / "token").write_text("\n")
    line = problem(DISCORD_TOKEN_FILE=str(tmp_path / "token"))

    assert line.startswith("DISCORD_TOKEN_FILE: ")
    assert "is empty. Example: DISCORD_TOKEN_FILE=/" in line


@pytest.mark.parametrize(
    ("name", "value"), [("DATA_DIR", "{}/taken/data"), ("DATABASE_URL", "sqlite+aiosqlite:///{}/taken/bot.db")]
)
def test_a_folder_that_cannot_be_written_is_found_at_the_start(tmp_path: Path, name: str, value: str) -> None:
    """Not with the first clip, and by the name of the setting."""
    (tmp_path / "taken").touch()
    with pytest.raises(SettingsError) as caught:
        load(**{"DATA_DIR": str(tmp_path), name: value.format(tmp_path)}).require_folder()

    assert str(caught.value).startswith(f"{name}: ")
    assert f"Example: {name}=" in str(caught.value)


def test_no_secret_shows() -> None:
    """Neither the settings' own text nor an error has a token, a key or a password in it."""
    settings = load(
        DISCORD_TOKEN="tok-secret",
        SEEDANCE2_MOVIE_API_KEY="key-secret",
        CALLBACK_SECRET="callback-secret",
        DATABASE_URL="postgresql+asyncpg://bot:pass%40secret@localhost/bot",
    )

    assert "secret" not in repr(settings).replace("callback_secret", "")
    assert "secret" not in repr(settings.provider("seedance2-movie"))
    assert set(settings.secrets) == {"tok-secret", "key-secret", "callback-secret", "pass%40secret", "pass@secret"}
    assert load(DATABASE_URL="postgresql+asyncpg://[bot:a/b?c@localhost/bot").secrets == ["a/b?c"]
    assert "s3cret" not in problem(DISCORD_TOKEN="s3cret with space")
    assert "s3cret" not in problem(DATABASE_URL="mysql://bot:s3cret@localhost/bot")
    assert "s3cret" not in problem(PUBLIC_BASE_URL="https://me:s3cret@host.example")


def test_running_needs_a_token_and_a_key() -> None:
    """A bot that could not make a single clip does not start."""
    with pytest.raises(SettingsError, match=r"^DISCORD_TOKEN: .* Example: DISCORD_TOKEN="):
        load(SEEDANCE2_MOVIE_API_KEY="k").require_run()
    with pytest.raises(SettingsError, match=r"^SEEDANCE2_MOVIE_API_KEY: .* Example: SEEDANCE2_MOVIE_API_KEY="):
        load(DISCORD_TOKEN="t").require_run()

    load(DISCORD_TOKEN="t", SEEDANCE2_MOVIE_API_KEY="k").require_run()


def test_the_sqlite_file_is_in_the_data_folder_unless_named() -> None:
    """DATA_DIR moves everything that the bot keeps."""
    assert load(DATA_DIR="/srv/bot").sqlite_file == Path("/srv/bot/bot.db")
    assert load(DATA_DIR="/srv", DATABASE_URL="sqlite+aiosqlite:////x/y.db").sqlite_file == Path("/x/y.db")
    assert load(DATABASE_URL="postgresql+asyncpg://localhost/bot").sqlite_file is None


def test_what_is_set_without_effect_is_said() -> None:
    """Nobody waits for a setting to work that nothing uses yet, or tries out with the guards down unknowingly."""
    settings = load(MEDIA_STORE_URL="s3://bucket", PROVIDER_ALLOW_PRIVATE_HOSTS="true", HTTP_PORT="80")

    assert [line.partition(" ")[0] for line in settings.warnings] == ["MEDIA_STORE_URL", "PROVIDER_ALLOW_PRIVATE_HOSTS"]
    assert load().warnings == []
