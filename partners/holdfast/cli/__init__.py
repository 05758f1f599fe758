"""The command line of a partner: `holdfast`."""

from holdfast.cli.main import cli, main

__all__ = ["cli", "main"]
