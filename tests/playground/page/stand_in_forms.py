"""The stand-in bot's forms: a modal with every field, selects in a message, context menus, files, private buttons."""

import io

import discord
from discord import app_commands, ui

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
"""A PNG of one pixel."""

TABLE = "member,credits\nann,9\nben,18\n"


class Form(ui.Modal, title="Everything at once"):
    """One field of each kind that a modal may have, five at most."""

    prompt = ui.Label(
        text="Prompt",
        description="What the clip shows",
        component=ui.TextInput(style=discord.TextStyle.paragraph, min_length=3, max_length=4000, default="A cat"),
    )
    model = ui.Label(
        text="Model",
        component=ui.Select(
            options=[discord.SelectOption(label=name.title(), value=name) for name in ("fast", "good")], max_values=1
        ),
    )
    viewers = ui.Label(text="For whom", component=ui.UserSelect(max_values=3))
    place = ui.Label(text="Where", component=ui.ChannelSelect(required=False))
    picture = ui.Label(text="Pictures", component=ui.FileUpload(max_values=2))

    async def on_submit(self, itx: discord.Interaction) -> None:
        """Say privately what came."""
        parts = {name: getattr(self, name).component for name in ("prompt", "model", "viewers", "place", "picture")}
        files = [f"{file.filename} ({len(await file.read())})" for file in parts["picture"].values]
        lines = [
            f"prompt: {len(parts['prompt'].value)} characters",
            f"model: {', '.join(parts['model'].values)}",
            f"viewers: {', '.join(user.display_name for user in parts['viewers'].values)}",
            f"place: {', '.join(place.name for place in parts['place'].values) or 'anywhere'}",
            f"files: {', '.join(files)}",
        ]
        await itx.response.send_message("\n".join(lines), ephemeral=True)


class Rules(ui.Modal, title="Rules"):
    """The fields that stand for yes, one of, and some of."""

    public = ui.Label(
        text="Public prompts",
        component=ui.RadioGroup(options=[discord.RadioGroupOption(label=one, value=one) for one in ("yes", "no")]),
    )
    models = ui.Label(
        text="Models",
        component=ui.CheckboxGroup(
            options=[discord.CheckboxGroupOption(label=one, value=one) for one in ("fast", "good", "best")],
            min_values=1,
        ),
    )
    ping = ui.Label(text="Ping on delivery", component=ui.Checkbox(default=True))
    staff = ui.Label(text="Moderator roles", component=ui.RoleSelect(required=False, max_values=2))

    async def on_submit(self, itx: discord.Interaction) -> None:
        """Say privately what was chosen."""
        parts = {name: getattr(self, name).component for name in ("public", "models", "ping", "staff")}
        said = (
            f"{parts['public'].value}; {'+'.join(parts['models'].values)}; {parts['ping'].value}; "
            f"{'+'.join(role.name for role in parts['staff'].values)}"
        )
        await itx.response.send_message(f"rules: {said}", ephemeral=True)


class Choice(ui.View):
    """Two selects in a message, the second for several."""

    @ui.select(placeholder="Section", options=[discord.SelectOption(label=one) for one in ("Access", "Limits")])
    async def section(self, itx: discord.Interaction, chosen: ui.Select["Choice"]) -> None:
        """Open the modal of that section."""
        await itx.response.send_modal(Rules(title=chosen.values[0]))

    @ui.select(cls=ui.UserSelect, placeholder="Members", max_values=4)
    async def members(self, itx: discord.Interaction, chosen: ui.UserSelect["Choice"]) -> None:
        """Say privately who was chosen."""
        await itx.response.send_message(
            "members: " + ", ".join(sorted(one.display_name for one in chosen.values)), ephemeral=True
        )


class Private(ui.View):
    """A button in a message that one person sees."""

    @ui.button(label="Share")
    async def share(self, itx: discord.Interaction, _button: ui.Button["Private"]) -> None:
        """Post it for everybody."""
        await itx.response.send_message("shared by " + itx.user.display_name)


def register(tree: app_commands.CommandTree[discord.Client]) -> None:
    """Add the commands and menus."""
    for command in (form, settings, show, whisper, letter, report, balance_of):
        tree.add_command(command)  # type: ignore[arg-type]


@app_commands.command(description="Every field of a modal")
async def form(itx: discord.Interaction) -> None:
    """Open the modal."""
    await itx.response.send_modal(Form())


@app_commands.command(description="Selects in a message")
async def settings(itx: discord.Interaction) -> None:
    """Show the selects privately."""
    await itx.response.send_message("Choose", view=Choice(timeout=None), ephemeral=True)


@app_commands.command(description="An embed, a picture, a table, a spoiler")
async def show(itx: discord.Interaction) -> None:
    """Post all of them."""
    embed = discord.Embed(title="Use of the server", description="||the secret\nending||")
    embed.set_image(url="attachment://chart.png")
    files = [
        discord.File(io.BytesIO(PICTURE), "chart.png"),
        discord.File(io.BytesIO(TABLE.encode()), "use.csv"),
        discord.File(io.BytesIO(PICTURE), "hidden.png", spoiler=True),
    ]
    await itx.response.send_message(embed=embed, files=files)


@app_commands.command(description="Private, with a button")
async def whisper(itx: discord.Interaction) -> None:
    """Answer privately."""
    await itx.response.send_message("for your eyes", view=Private(timeout=None), ephemeral=True)


@app_commands.command(description="Write to somebody directly")
async def letter(itx: discord.Interaction, member: discord.Member) -> None:
    """Send a direct message."""
    await itx.response.defer(ephemeral=True)
    try:
        await member.send("a letter from the bot")
    except discord.Forbidden:
        await itx.followup.send(f"{member.display_name} takes no letters")
    else:
        await itx.followup.send("sent")


@app_commands.context_menu(name="Report clip")
async def report(itx: discord.Interaction, message: discord.Message) -> None:
    """Say privately what was reported."""
    await itx.response.send_message(f"reported {message.id}", ephemeral=True)


@app_commands.context_menu(name="Show balance")
@app_commands.default_permissions(manage_guild=True)
async def balance_of(itx: discord.Interaction, member: discord.Member) -> None:
    """Say privately whose balance it is."""
    await itx.response.send_message(f"balance of {member.display_name}", ephemeral=True)
