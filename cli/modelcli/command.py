"""What every command of `deploy` is, to Typer; and what one is that takes flags."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from typer import Context
from typer.core import TyperCommand

if TYPE_CHECKING:
    from .flags import Words

# How an option of a FlagCommand is declared that is a boolean to TensorFlow's parser.
Truth = Literal["true", "false"]
TRUTH = "BOOL"  # its metavar
_LAST_PANEL = "Options"
_META = f"{__name__}.words"


class Command(TyperCommand):
    def get_usage(self, ctx: Context) -> str:  # type: ignore[override] # Typer's base is private
        """`deploy promote [OPTIONS] MODEL VERSION`; Typer puts braces around what is required."""
        return super().get_usage(ctx).replace("{", "").replace("}", "")


class FlagCommand(Command):
    """
    A command whose words are read as flags before Typer sees them.

    Its help is plain text: Rich's table would cut the names that are long.
    """

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:  # type: ignore[override] # Typer's base is private
        if not ctx.resilient_parsing:  # <Tab> has to do with half a command line
            from .flags import read  # noqa: PLC0415 - no other command needs the table

            known = {o: p for p in self.get_params(ctx) for o in p.opts}
            truths = {o for o, p in known.items() if p.metavar == TRUTH}
            words = read(args, _spelled(known), _spelled(truths))
            ctx.meta[_META] = words
            args = list(words.arguments)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Context, formatter: Any) -> None:  # type: ignore[override] # noqa: ANN401 - likewise
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        panels: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            panel = getattr(parameter, "rich_help_panel", None) or _LAST_PANEL
            if record := parameter.get_help_record(ctx):
                panels.setdefault(panel, []).append(record)
        for panel, records in panels.items():
            with formatter.section(panel):
                formatter.write_dl(records)


def words_of(context: Context) -> "Words":
    """What a FlagCommand was called with."""
    words: Words = context.meta[_META]
    return words


def _spelled(options: Iterable[str]) -> set[str]:
    return {option[2:] for option in options if option.startswith("--")}
