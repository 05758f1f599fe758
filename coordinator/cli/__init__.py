"""`holdfast-coordinator`: what the operator types, one module a command.

A command's module is loaded when it is called. Every process of `serve` starts here, and none of
them needs what all the others need.
"""

import gc
from importlib import import_module
from typing import Any

import click

from coordinator.cli.terminal_lines import errors_between_words

#: In the order in which `--help` lists them; each is a module of this package, and a name in it.
COMMANDS = (
    *("serve", "web", "worker", "migrate", "check", "backup", "restore", "partner"),
    "reconcile",
    "rulebook",
    "gateway",
    "deliveries",
    "erase",
    "data-subject",
    "rotate-key",
    "log-signer",
    "trial-postgres",
)


class _Commands(click.Group):
    """Loads the module of the command that is called, and of no other."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Return a command; None if there is none of this name."""
        if name not in COMMANDS:
            return None
        # What is loaded stays. To look for garbage in it would take an eighth of the time.
        gc.disable()
        try:
            module = import_module(f"{__name__}.{name.replace('-', '_')}")
        finally:
            gc.enable()
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the words behind the program's name."""
        with errors_between_words():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named."""
        with errors_between_words():
            return super().invoke(ctx)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="holdfast-coordinator")
def main() -> None:
    """Run and look after a Holdfast coordinator.

    Settings come from config/default.toml, a file named by HOLDFAST_CONFIG, and HOLDFAST_<NAME>.
    """
