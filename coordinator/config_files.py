"""Finds the data files of `config/`, in a checkout and in an installed wheel."""

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from coordinator.domain.rulebook import Rulebook

_CHECKOUT = Path(__file__).resolve().parent.parent


def config_path(name: str) -> Path:
    """Return the path of `config/<name>`.

    Raises:
        FileNotFoundError: If neither the checkout nor the installation has it.
    """
    # An editable install has its data in the checkout. The project file tells it from a folder of
    # the same name that lies beside an installed package by chance.
    edited = _CHECKOUT / "config" / name
    if edited.is_file() and (_CHECKOUT / "pyproject.toml").is_file():
        return edited
    installed = _installed(name)
    if installed is None:
        raise FileNotFoundError(f"config/{name} is neither in {_CHECKOUT} nor was it installed")
    return installed


def read_config(name: str) -> str:
    """Return the text of `config/<name>`."""
    return config_path(name).read_text(encoding="utf-8")


def read_rulebook() -> Rulebook:
    """Return the rules of `config/policies.toml` and `config/chains.toml`.

    Raises:
        PolicyError: If the policies are not what they should be.
        ChainsError: If the chains are not.
    """
    return Rulebook.load(policies=read_config("policies.toml"), chains=read_config("chains.toml"))


def _installed(name: str) -> Path | None:
    # The installer's own list is right for every scheme (environment, --user, --target), where
    # `sysconfig` knows only that of the interpreter.
    try:
        listed = files("holdfast-coordinator") or []
    except PackageNotFoundError:
        return None
    wanted = ("share", "holdfast-coordinator", "config", name)
    found = [Path(str(file.locate())) for file in listed if file.parts[-4:] == wanted]
    found.append(_CHECKOUT.joinpath(*wanted))  # where --target puts it, whatever the list says
    return next((path.resolve() for path in found if path.is_file()), None)
