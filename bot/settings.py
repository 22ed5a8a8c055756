"""The settings: from the environment, `.env` and files named by `NAME_FILE`; checked at start, secrets masked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any, Literal, Self

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from sqlalchemy.engine import make_url

from bot import setting_values as v

#: Providers in the order in which they are preferred.
PROVIDERS = ("seedance2-movie", "seedance2ai", "seedance-tv")
#: Settings that are read and checked, but that nothing of this version uses yet; who sets one is told at start.
NOT_USED_YET = ("media_store_url",)
SHOWN_VALUE_CHARS = 60
ANY_HOST = {"0.0.0.0", "::"}
MAX_SETTING_FILE_BYTES = 64 * 1024


class SettingsError(ValueError):
    """A setting is missing or wrong. The text is one line that names the variable and shows a good value."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One provider account. `daily_credits` None is unlimited; `credit_rate` is bot credits per provider credit."""

    name: str
    api_key: SecretStr | None
    base_url: str
    credit_rate: Decimal
    requests_per_minute: int
    concurrency: int
    daily_credits: Decimal | None


def _setting(default: Any, meaning: str, example: str, *, secret: bool = False) -> Any:
    return Field(default, description=meaning, examples=[example], repr=not secret)


class Settings(BaseModel):
    """Every setting, by the lower-case name of its variable. Amounts are in credits; None is unlimited."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    discord_token: v.Secret = _setting(
        None, "the bot's token; without one, `make run` starts the playground", "the-token-of-your-bot", secret=True
    )
    discord_api_base: v.Address = _setting(
        "https://discord.com/api/v10", "Discord's REST base, or a proxy before it", "https://discord.com/api/v10"
    )
    discord_guild_id: v.Identifier = _setting(
        None, "register the commands in this server only, at once", "81384788765712384"
    )
    operator_guild_id: v.Identifier = _setting(
        None, "the server where /operator is registered; nowhere if unset", "81384788765712384"
    )
    operator_ids: v.Identifiers = _setting(
        frozenset(),
        "who the operators are: /operator and alerts are theirs; the application's owner or team if unset",
        "80351110224678912",
    )
    database_url: v.DatabaseUrl = _setting(
        "sqlite+aiosqlite:///data/bot.db",
        "the database; by default bot.db in DATA_DIR",
        "postgresql+asyncpg://bot:password@localhost:5432/bot",
        secret=True,
    )
    data_dir: v.Folder = _setting(Path("data"), "downloads, kept media and the SQLite file", "/var/lib/seedance-bot")
    data_dir_max_bytes: v.Size = _setting(5 * 2**30, "how much DATA_DIR may hold; new jobs are refused above", "5GiB")
    http_host: v.Host = _setting("0.0.0.0", "address of the public listener", "0.0.0.0")
    http_port: v.Port = _setting(8080, "port of the public listener: callbacks, media, /healthz", "8080")
    admin_host: v.Host = _setting("127.0.0.1", "address of the private listener", "127.0.0.1")
    admin_port: v.Port = _setting(8081, "port of the private listener: /metrics, /readyz; 0 for none", "8081")
    public_base_url: v.OptionalAddress = _setting(
        None,
        "public https address of the public listener; unset: no callbacks, no links of ours",
        "https://bot.example.com",
    )
    media_store_url: v.Bucket = _setting(
        None, "S3-compatible bucket for references and kept clips", "s3://my-bucket/clips"
    )

    seedance2_movie_api_key: v.Secret = _setting(None, "API key of seedance2-movie", "your-key", secret=True)
    seedance2_movie_base_url: v.Address = _setting(
        "https://api.seedance2.movie", "address of seedance2-movie", "https://api.seedance2.movie"
    )
    seedance2_movie_credit_rate: v.Rate = _setting(Decimal(1), "bot credits per seedance2-movie credit", "1")
    seedance2_movie_requests_per_minute: v.PerMinute = _setting(60, "requests a minute to seedance2-movie", "60")
    seedance2_movie_concurrency: v.Places = _setting(5, "tasks at a time at seedance2-movie, at most", "5")
    seedance2_movie_daily_credits: v.Limit = _setting(None, "cap on seedance2-movie per UTC day", "500")

    seedance2ai_api_key: v.Secret = _setting(None, "API key of seedance2ai", "your-key", secret=True)
    seedance2ai_base_url: v.Address = _setting(
        "https://seedance2ai.io", "address of seedance2ai", "https://seedance2ai.io"
    )
    seedance2ai_credit_rate: v.Rate = _setting(Decimal("0.3"), "bot credits per seedance2ai credit", "0.3")
    seedance2ai_requests_per_minute: v.PerMinute = _setting(30, "requests a minute to seedance2ai", "30")
    seedance2ai_concurrency: v.Places = _setting(5, "tasks at a time at seedance2ai, at most", "5")
    seedance2ai_daily_credits: v.Limit = _setting(None, "cap on seedance2ai per UTC day", "500")

    seedance_tv_api_key: v.Secret = _setting(None, "API key of seedance-tv", "your-key", secret=True)
    seedance_tv_base_url: v.Address = _setting(
        "https://api.seedance.tv/v2", "address of seedance-tv", "https://api.seedance.tv/v2"
    )
    seedance_tv_credit_rate: v.Rate = _setting(Decimal(1), "bot credits per seedance-tv credit", "1")
    seedance_tv_requests_per_minute: v.PerMinute = _setting(60, "requests a minute to seedance-tv", "60")
    seedance_tv_concurrency: v.Places = _setting(5, "tasks at a time at seedance-tv, at most", "5")
    seedance_tv_daily_credits: v.Limit = _setting(None, "cap on seedance-tv per UTC day", "500")

    prices_file: v.ReadableFile = _setting(None, "a file that overrides rows of the price table", "prices.toml")
    default_model: str | None = _setting(
        None, "the model used when none is chosen", "seedance2-movie/seedance-2.0-fast"
    )
    guild_pool_credits: v.Limit = _setting(
        Decimal(0), "credits a month for a server that you have not configured; 0 for none", "500"
    )
    member_allowance_credits: v.Limit = _setting(
        Decimal(50), "a member's allowance where moderators have set none", "50"
    )
    member_allowance_period: Annotated[Literal["day", "week", "month"], v.one_of("day", "week", "month")] = _setting(
        "week", "how long an allowance lasts: day, week or month", "week"
    )
    instance_daily_credits: v.Limit = _setting(None, "cap over everything per UTC day", "1000")
    callback_secret: v.CallbackSecret = _setting(
        None,
        "root of the keys of callback and media addresses; made once if unset",
        "32-random-characters",
        secret=True,
    )
    provider_allow_private_hosts: v.Truth = _setting(
        False, "allow provider, media and attachment addresses that are not public https", "false"
    )
    shard_count: Annotated[int | None, v.whole(1, 10_000)] = _setting(None, "number of gateway shards", "2")
    shard_ids: v.Shards = _setting(None, "the shards that this process runs", "0,1")
    reference_retention_days: v.Days = _setting(30, "days that references are kept after a job's end", "30")
    clip_retention_days: v.Days = _setting(7, "days that clips are kept after a job's end", "7")
    undelivered_retention_days: v.Days = _setting(30, "days that undelivered clips are kept", "30")

    poll_interval_s: v.Seconds = _setting(8.0, "seconds between two polls of a task", "8")
    search_interval_s: v.Seconds = _setting(60.0, "seconds between two searches for a lost task", "60")
    lease_s: v.Seconds = _setting(20.0, "seconds after which a dead worker's job passes on", "20")
    job_deadline_s: v.Seconds = _setting(3600.0, "seconds that a task may run", "3600")
    unknown_deadline_s: v.Seconds = _setting(86_400.0, "seconds until an unknown job's credits are released", "86400")
    approval_ttl_s: v.Seconds = _setting(86_400.0, "seconds that a job waits for approval before it lapses", "86400")
    quote_ttl_s: v.Seconds = _setting(900.0, "seconds that a quote stays good before it lapses", "900")
    interaction_token_lifetime_s: v.Seconds = _setting(900.0, "seconds that Discord's interaction tokens live", "900")
    download_timeout_s: v.Seconds = _setting(300.0, "seconds that fetching a clip may take", "300")

    ffmpeg: v.Program = _setting(None, "the ffmpeg to use instead of the bundled one", "/usr/bin/ffmpeg")
    log_level: Annotated[str, v.one_of("DEBUG", "INFO", "WARNING", "ERROR")] = _setting(
        "INFO", "DEBUG, INFO, WARNING or ERROR", "INFO"
    )
    log_format: Annotated[Literal["text", "json"], v.one_of("text", "json")] = _setting("text", "text or json", "text")

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, env_file: str | Path | None = ".env") -> Self:
        """Read and check every setting. A variable of the environment, even an empty one, hides that of `env_file`.

        Raises:
            SettingsError: one line on the first setting that is wrong.
        """
        values = _collect(cls, os.environ if environ is None else environ, env_file)
        if "data_dir" in values:
            values.setdefault("database_url", f"sqlite+aiosqlite:///{values['data_dir']}/bot.db")
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_context=True)[0]
            name = str(problem["loc"][0])
            reason = problem.get("ctx", {}).get("error", "is not a good value")
            raise _wrong(name, values.get(name, ""), str(reason)) from None
        _check_together(settings)
        return settings

    @property
    def enabled_providers(self) -> list[str]:
        """The providers with a key, in the order of preference."""
        return [name for name in PROVIDERS if self.provider(name).api_key is not None]

    def provider(self, name: str) -> ProviderSettings:
        """Return one provider's settings, whether or not it has a key."""
        prefix = name.replace("-", "_")

        def read(field: str) -> Any:
            return getattr(self, f"{prefix}_{field}")

        return ProviderSettings(
            name=name,
            api_key=read("api_key"),
            base_url=read("base_url"),
            credit_rate=read("credit_rate"),
            requests_per_minute=read("requests_per_minute"),
            concurrency=read("concurrency"),
            daily_credits=read("daily_credits"),
        )

    @property
    def sqlite_file(self) -> Path | None:
        """The database's file; None on PostgreSQL."""
        kind, _, rest = self.database_url.partition(":///")
        return Path(rest.partition("?")[0]) if kind.startswith("sqlite") else None

    @property
    def secrets(self) -> list[str]:
        """Every secret value, for the log's redaction."""
        keys = [self.discord_token, self.callback_secret, *(self.provider(name).api_key for name in PROVIDERS)]
        found = [key.get_secret_value() for key in keys if key is not None]
        password = make_url(self.database_url).password
        written = self.database_url.rpartition("@")[0].partition("://")[2].partition(":")[2]
        return [*found, *({str(password), written} if password else ())]

    @property
    def warnings(self) -> list[str]:
        """Sentences for the operator about settings that are right but not what one would expect."""
        found = [
            f"{name.upper()} is set, but nothing of this version uses it yet"
            for name in NOT_USED_YET
            if name in self.model_fields_set
        ]
        if self.provider_allow_private_hosts:
            found.append(
                "PROVIDER_ALLOW_PRIVATE_HOSTS is on: addresses in private networks may be asked for; for trials"
            )
        return found

    def require_run(self) -> None:
        """Check what running the real bot needs beyond what every command needs.

        Raises:
            SettingsError: no token, or no provider to send jobs to.
        """
        if self.discord_token is None:
            raise _missing("discord_token")
        self.require_provider()

    def require_provider(self) -> None:
        """Check that there is a provider to send jobs to.

        Raises:
            SettingsError: no provider has a key.
        """
        if not self.enabled_providers:
            first, *others = (f"{name.replace('-', '_').upper()}_API_KEY" for name in PROVIDERS)
            raise SettingsError(
                f"{first}: is needed and not set, or else {' or '.join(others)}. Example: {first}=your-key"
            )

    def require_folder(self) -> None:
        """Make DATA_DIR where it does not exist, and prove that it and the SQLite file's folder can be written.

        Raises:
            SettingsError: one of them cannot.
        """
        folders = {"data_dir": self.data_dir}
        if self.sqlite_file is not None and self.sqlite_file.parent != self.data_dir:
            folders["database_url"] = self.sqlite_file.parent
        for field, folder in folders.items():
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with TemporaryFile(dir=folder):
                    pass
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "not a path"
                raise _wrong(field, str(folder), f"is not a folder that can be written ({reason})") from None


def example(field: str) -> str:
    """Return a good value of a setting, by its lower-case name."""
    return str((Settings.model_fields[field].examples or [""])[0])


def _collect(model: type[Settings], environ: Mapping[str, str], env_file: str | Path | None) -> dict[str, str]:
    """Gather the text of each setting that is not empty: the environment first, then the file."""
    try:
        from_file = dotenv_values(env_file, interpolate=False) if env_file and Path(env_file).is_file() else {}
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{env_file}: the file cannot be read as UTF-8 text. Example: see .env.example") from None
    values = {}
    for field in model.model_fields:
        for source in (environ, from_file):
            text = _one(field, source)
            if text is not None:
                values[field] = text
                break
    return {field: text for field, text in values.items() if text}


def _one(field: str, source: Mapping[str, str | None]) -> str | None:
    """Return a setting's text from one source: `NAME` or the contents of `NAME_FILE`; None where it has neither."""
    name = field.upper()
    direct, file_name = source.get(name), source.get(f"{name}_FILE")
    if not file_name:
        return None if direct is None else direct.strip()
    if direct:
        raise SettingsError(f"{name}: both {name} and {name}_FILE are set. Example: {name}_FILE=/run/secrets/{field}")
    reason = "is empty"
    try:
        with Path(file_name).open("rb") as file:
            text = file.read(MAX_SETTING_FILE_BYTES).decode("utf-8-sig").strip()
    except (OSError, ValueError):
        text, reason = "", "cannot be read"
    if not text:
        raise SettingsError(f"{name}_FILE: {_shown(file_name)} {reason}. Example: {name}_FILE=/run/secrets/{field}")
    return text


def _check_together(settings: Settings) -> None:
    """Check settings that depend on one another."""
    if not settings.provider_allow_private_hosts:
        for field in ("public_base_url", *(f"{name.replace('-', '_')}_base_url" for name in PROVIDERS)):
            address = getattr(settings, field)
            if address is not None and not address.startswith("https://"):
                raise _wrong(field, address, "is not https, which it must be without PROVIDER_ALLOW_PRIVATE_HOSTS=true")
    hosts = {settings.http_host, settings.admin_host}
    if settings.admin_port == settings.http_port != 0 and (len(hosts) == 1 or hosts & ANY_HOST):
        raise _wrong("admin_port", str(settings.admin_port), "is HTTP_PORT too, and each listener needs its own")
    ids, count = settings.shard_ids, settings.shard_count
    if ids is not None and count is None:
        raise _wrong("shard_ids", ",".join(map(str, ids)), "needs SHARD_COUNT too")
    if ids is not None and count is not None and max(ids, default=0) >= count:
        raise _wrong("shard_ids", ",".join(map(str, ids)), f"names a shard that SHARD_COUNT={count} does not have")


def _wrong(field: str, value: str, reason: str) -> SettingsError:
    name = field.upper()
    is_secret = not Settings.model_fields[field].repr or "@" in value  # an address may carry a password
    return SettingsError(
        f"{name}: {'the value' if is_secret else _shown(value)} {reason}. Example: {name}={example(field)}"
    )


def _missing(field: str) -> SettingsError:
    return SettingsError(f"{field.upper()}: is needed and not set. Example: {field.upper()}={example(field)}")


def _shown(value: str) -> str:
    short = value if len(value) <= SHOWN_VALUE_CHARS else value[: SHOWN_VALUE_CHARS - 1] + "…"
    return repr(short)
