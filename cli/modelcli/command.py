"""What every command of `deploy` is, to Typer."""

from typer import Context
from typer.core import TyperCommand


class Command(TyperCommand):
    def get_usage(self, ctx: Context) -> str:  # type: ignore[override] # Typer's base is private
        """`deploy promote [OPTIONS] MODEL VERSION`; Typer puts braces around what is required."""
        return super().get_usage(ctx).replace("{", "").replace("}", "")
