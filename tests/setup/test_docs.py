"""The documents say what is there: settings, commands, files, permissions."""

import argparse
import inspect
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from bot.app.prices import load_prices
from bot.cli.main import build_parser
from bot.discord.client import NEEDED_PERMISSIONS
from bot.domain.prices import PRICES, Price
from bot.i18n import Catalogue
from bot.services import reconcile
from bot.settings import Settings
from cogs.image import Image
from cogs.storyboard import Storyboard
from cogs.video import Video
from playground.scripts import SCRIPTS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GUIDES = ("README.md", "docs/operating.md", "docs/moderating.md", "CONTRIBUTING.md")

#: Read by compose.yaml, not by the bot.
FOR_COMPOSE = {"POSTGRES_PASSWORD"}

#: What placeholders of the documents stand for.
EXAMPLES = {"ID": "81384788765712384", "N": "500", "STATE": "running", "FILE": "copy.db", "PROVIDER": "seedance2-movie"}
ENGLISH = Catalogue.load()
COMMAND = re.compile(r"(?:^|[`\s(/])python -m bot\b([^`\n|;.…]*)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SETTING = re.compile(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)


def read(name: str) -> str:
    """Return a file of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    """Return the anchors that a Markdown page's headings make."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(name: str) -> list[list[str]]:
    """Return the arguments of every `python -m bot …` of a page, its placeholders filled in."""
    found = [shlex.split(match) for match in COMMAND.findall(read(name))]
    return [[EXAMPLES.get(word, word) for word in words] for words in found]


def test_the_example_file_has_every_setting_and_no_other() -> None:
    """Nobody has to read the source to learn what can be set."""
    names = {name for name, _ in SETTING.findall(read(".env.example"))}

    assert names - FOR_COMPOSE == {field.upper() for field in Settings.model_fields}


def test_the_example_file_shows_good_values_and_true_defaults() -> None:
    """Every value can be used as it stands, and one that is not marked as an example is the default."""
    text = read(".env.example")
    not_here = {"PRICES_FILE", "FFMPEG", *FOR_COMPOSE}  # a file and a program that need not exist
    shown = {name: value for name, value in SETTING.findall(text) if name not in not_here}
    defaults = Settings()
    loaded = Settings.load(shown, None)
    changed = {field for field in Settings.model_fields if getattr(loaded, field) != getattr(defaults, field)}
    marked = {name.lower() for name in re.findall(r"for example:\n#([A-Z0-9_]+)=", text)}

    assert changed <= marked


@pytest.mark.parametrize("name", GUIDES)
def test_every_command_in_the_guides_exists(name: str) -> None:
    """What a guide tells to type is understood, options included."""
    parser = build_parser()
    refused = []
    for words in commands(name):
        try:
            parser.parse_args(words)
        except (SystemExit, argparse.ArgumentError):
            refused.append(" ".join(words))

    assert not refused


def test_the_readme_names_every_command() -> None:
    """No command of the operator's is a secret."""
    actions = build_parser()._subparsers
    assert actions is not None
    known = set(next(iter(actions._group_actions)).choices or ())

    named = {words[0] for words in commands("README.md") if words}

    assert named == known


def catalogue(pattern: str) -> dict[str, str]:
    """Return the English texts whose whole keys match a pattern, by what its one group matches."""
    found = re.finditer(rf'^msgid "(?P<key>{pattern})"$', read("bot/i18n/en.po"), re.MULTILINE)
    return {match[2]: ENGLISH.find(match["key"], "en") or "" for match in found}


def test_the_readme_names_every_command_in_discord() -> None:
    """Members, moderators and operators find every slash command and its subcommands."""
    text = read("README.md")
    paths = catalogue(r"command\.([a-z.]+)\.name")
    groups = {path.rpartition(".")[0] for path in paths}
    missing = [path for path in paths if path not in groups and f"`/{path.replace('.', ' ')}" not in text]

    assert not missing


@pytest.mark.parametrize("name", GUIDES)
def test_every_command_in_discord_that_a_guide_names_exists(name: str) -> None:
    """Nobody is told to type what is not there: the command, and where it has some its subcommand."""
    paths = {path.replace(".", " ") for path in catalogue(r"command\.([a-z.]+)\.name")}
    groups = {path.partition(" ")[0] for path in paths if " " in path}
    named = re.findall(r"`/([a-z]+)(?: ([a-z]+)(?![a-z_]*:))?[^`/]*`", read(name))
    wanted = {f"{one} {sub}" if one in groups and sub else one for one, sub in named}

    assert wanted <= paths


def test_the_readme_names_every_menu_and_button_of_a_clip() -> None:
    """Whatever stands under a clip, a card or in a menu is explained."""
    text = read("README.md")
    labels = [*catalogue(r"button\.([a-z]+)").values(), *catalogue(r"menu\.([a-z]+)\.name").values()]
    missing = [label for label in labels if f"*{label}*" not in text]

    assert labels
    assert not missing


def test_the_moderators_page_explains_every_setting_and_section() -> None:
    """Nobody has to try a setting to learn what it does."""
    text = read("docs/moderating.md")
    settings = [label for label in catalogue(r"settings\.label\.([a-z_]+)").values() if f"**{label}**" not in text]
    sections = [name for name in catalogue(r"settings\.section\.([a-z]+)").values() if f"### {name}\n" not in text]

    assert not settings
    assert not sections


def test_the_readme_names_every_script_of_the_playground() -> None:
    """Each can be found and typed."""
    missing = [name for name in SCRIPTS if f"--script {name}" not in read("README.md")]

    assert not missing


def part_of(name: str, heading: str) -> str:
    """Return what stands under a heading of a page, up to the next one."""
    section = read(name).partition(f"\n{heading}\n")[2]
    return re.split(r"^#+ ", section, maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize(("command", "about"), [(Video, "Options of `/video`"), (Image, "Options of `/image`")])
def test_the_readme_explains_every_option(command: type[Video | Image], about: str) -> None:
    """Nobody has to try what an option is for."""
    told = read("README.md").partition(f"**{about}")[2].partition("**Options of" if command is Video else "\n**")[0]
    missing = [name for name in list(inspect.signature(command.run).parameters)[2:] if f"`{name}`" not in told]

    assert told
    assert set(missing) <= {"prompt", "reference_2", "reference_3"}


def test_the_readme_names_every_option_of_a_storyboard() -> None:
    """They are those of clips; which of them there are is said."""
    told = next(line for line in read("README.md").splitlines() if line.startswith("`/storyboard` takes"))

    assert not [name for name in list(inspect.signature(Storyboard.run).parameters)[2:] if f"`{name}`" not in told]


def in_readme(price: Price) -> bool:
    """Tell whether a row of the price table stands in the README, in the bot's credits."""
    rate = Settings().provider(price.model.partition("/")[0]).credit_rate
    amount = f"{((price.per_second or price.per_picture or 0) * rate).normalize():f}"
    heads: list[str] = []
    for line in part_of("README.md", "### What it costs").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == "model":
            heads = cells
        elif f"`{price.model}`" in cells[0] and (price.rendering is None or f"*{price.rendering}*" in cells[0]):
            own = cells[heads.index(price.resolution)] if price.resolution in heads else ""
            if own == amount or f"`{price.resolution}` {amount}" in cells[-1]:
                return True
    return False


def test_the_readme_tells_the_shipped_prices() -> None:
    """What members read is what is held; *real* and *wild* are told in words."""
    rows = [price for price in PRICES if price.rendering not in {"real", "wild"}]

    assert not [price for price in rows if not in_readme(price)]


def test_the_example_of_own_prices_is_a_good_file(tmp_path: Path) -> None:
    """An operator can start from it."""
    example = re.search(r"```toml\n(.*?)```", part_of("docs/operating.md", "## Your own prices"), re.DOTALL)
    assert example
    path = tmp_path / "prices.toml"
    path.write_text(example[1], encoding="utf-8")

    assert {price.place for price in load_prices(path)} == {price.place for price in PRICES}


def test_every_difference_of_reconcile_is_explained() -> None:
    """Each kind that it names has its line."""
    told = part_of("docs/operating.md", "### Comparing the books")
    kinds = set(re.findall(r"`([a-z_]+)`", reconcile.Difference.__doc__ or "")) - {"kind"}

    assert kinds
    assert not [kind for kind in kinds if f"\n| `{kind}` |" not in told]


def test_every_decision_is_linked_from_the_architecture() -> None:
    """A page that nothing leads to is not read."""
    text = read("docs/architecture.md")
    pages = [path.name for path in (ROOT / "docs/decisions").glob("*.md")]

    assert pages
    assert not [name for name in pages if f"(decisions/{name})" not in text]


def test_every_alert_has_its_line_for_operators() -> None:
    """Who gets a message at night finds what to do about it."""
    section = read("docs/operating.md").partition("\n## Alerts\n")[2].partition("\n## ")[0]
    missing = [kind for kind in catalogue(r"alert\.([a-z]+)") if f"\n| `{kind}` |" not in section]

    assert section
    assert not missing


def test_the_readme_asks_for_the_permissions_that_the_bot_needs() -> None:
    """The invite link that is shown is the one that the bot prints."""
    assert f"permissions={NEEDED_PERMISSIONS.value}" in read("README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """A link to a file of the project, or to a heading of it, is not broken."""
    broken = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = page if not path else (page.parent / path).resolve()
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)

    assert not broken


@pytest.mark.parametrize("page", [*PAGES, ROOT / ".env.example", ROOT / "compose.yaml"], ids=lambda page: page.name)
def test_no_page_names_a_folder_of_one_machine(page: Path) -> None:
    """What is written holds wherever the project lies."""
    assert not re.search(r"(?<![\w.])/(?:work|root|home|Users|tmp/\w)\b", page.read_text(encoding="utf-8"))


def test_the_image_copies_what_exists_and_what_the_builder_is_sent() -> None:
    """Every file that the Dockerfile copies from the project is there and not ignored."""
    lines = [line.split() for line in read("Dockerfile").splitlines() if line.startswith("COPY ")]
    sources = {word for words in lines if "--from" not in words[1] for word in words[1:-1]}
    allowed = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}

    assert sources
    assert all((ROOT / source).exists() for source in sources)
    assert sources == allowed


def test_the_builder_is_sent_nothing_else() -> None:
    """No secret, history, data or test can reach the image: all is ignored but what is named."""
    rules = [line for line in read(".dockerignore").splitlines() if line and not line.startswith("#")]

    assert rules[0] == "*"
    assert {"!bot", "!cogs", "!migrations"} <= set(rules)


def test_the_image_is_built_by_the_uv_that_the_set_up_allows() -> None:
    """The version is pinned, and recent enough to read the lock."""
    pinned = re.search(r"uv==(\d+)\.(\d+)\.\d+", read("Dockerfile"))
    least = re.search(r"uv>=(\d+)\.(\d+)", read("Makefile"))

    assert pinned
    assert least
    assert tuple(map(int, pinned.groups())) >= tuple(map(int, least.groups()))


def test_the_image_has_a_python_that_the_project_runs_on() -> None:
    """Both stages have the same one, within `requires-python`."""
    versions = set(re.findall(r"^FROM python:3\.(\d+)-\S+", read("Dockerfile"), re.MULTILINE))
    requires = tomllib.loads(read("pyproject.toml"))["project"]["requires-python"]
    least, beyond = map(int, re.findall(r"3\.(\d+)", requires))

    assert len(versions) == 1
    assert least <= int(versions.pop()) < beyond
