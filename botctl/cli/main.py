"""The command line: the list of commands, each imported when it is used."""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer import _click as click  # typer ships its own click since 0.27 and names no public way to it
from typer.core import TyperGroup

from botctl.errors import UsageError


@dataclass(frozen=True, slots=True)
class Command:
    """A command and the line `--help` says about it. Its module in botctl/cli, imported when it is used, has
    an `app`."""

    name: str
    summary: str
    module: str = ""


COMMANDS = (
    Command("run", "Run bots: in this terminal, or on the platforms they are declared for."),
    Command("chat", "Talk to a bot in this terminal and see what every step does."),
    Command("validate", "Find mistakes in bots, workspaces and workflows without running them."),
    Command("graph", "Draw a workflow, with what is wrong in it or with the path of a run."),
    Command("test", "Play the conversations that are written down for bots."),
    Command("runs", "List the runs of bots; tell one from beginning to end, cancel or retry it."),
    Command("handoff", "List what waits for a person; approve or reject it."),
    Command("schedule", "List what is to be said later; cancel it."),
    Command("conversations", "List conversations; show, reset or erase one."),
    Command("status", "Tell what runs, which platform is off and why, and what waits."),
    Command("dashboard", "Print a link that logs in to the dashboard; serve it if no running bot does."),
    Command("tools", "List, call and lock the tools of a workspace; tell what servers changed."),
    Command("usage", "Tell what the models cost, by bot, day, model or conversation."),
    Command("wallet", "Show what bots have left to spend; pay in for one."),
    Command("webhook", "Tell platforms where a bot's webhook is, ask them, or take it away."),
    Command("db", "Look after the state file: sizes, pruning, backup, check."),
    Command("init", "Write a bot with workspace and tests, or import an exported workflow."),
    Command("doctor", "Check everything a bot needs, without changing anything."),
    Command("explain", "Explain a diagnostic code, a node type, a run or a message."),
    Command("schema", "Print the JSON Schema of a kind of file, for editors."),
)


class Commands(TyperGroup):
    """The commands by name; a module is imported only when its command is used, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [command.name for command in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for command in COMMANDS:
            if command.name == cmd_name:
                module = importlib.import_module(f"botctl.cli.{command.module or command.name}")
                return typer.main.get_command(module.app)
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and name not in self.list_commands(ctx):
            close = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            way_out = f"did you mean `{close[0]}`?" if close else "`botctl --help` lists them"
            raise UsageError(f"there is no command `{name}`", help=way_out)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(command.name, command.summary) for command in COMMANDS])


app = typer.Typer(
    cls=Commands,
    name="botctl",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"botctl {version('botctl')}")
        raise typer.Exit


@app.callback()
def botctl(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Runs chat bots that are declared as YAML: validated, durable, testable offline."""


def run(arguments: list[str]) -> int:
    """Read the arguments and run the command they name; its exit code."""
    try:
        code: Any = app(arguments, standalone_mode=False)
    except typer.Exit as exit:
        return exit.exit_code
    except typer.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return code if isinstance(code, int) else 0
