"""The command line of a partner: `holdfast`."""

from partners.cli.main import cli, main

__all__ = ["cli", "main"]
