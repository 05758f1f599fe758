"""Finds the data files of `config/`, in a checkout and in an installed wheel."""

import sysconfig
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parent.parent / "config"
_INSTALLED = Path(sysconfig.get_path("data")) / "share" / "holdfast" / "config"


def config_path(name: str) -> Path:
    """Return the path of `config/<name>`.

    Raises:
        FileNotFoundError: If neither the checkout nor the installation has it.
    """
    for folder in (_CHECKOUT, _INSTALLED):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"config/{name} is neither in {_CHECKOUT} nor in {_INSTALLED}")


def read_config(name: str) -> str:
    """Return the text of `config/<name>`."""
    return config_path(name).read_text(encoding="utf-8")
