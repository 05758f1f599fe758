"""Finds the data files of `config/` and `docs/`, in a checkout and in an installed wheel."""

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parent.parent


def config_path(name: str) -> Path:
    """Return the path of `config/<name>`.

    Raises:
        FileNotFoundError: If neither the checkout nor the installation has it.
    """
    found = _data_path("config", name)
    if found is None:
        raise FileNotFoundError(f"config/{name} is neither in {_CHECKOUT} nor was it installed")
    return found


def read_config(name: str) -> str:
    """Return the text of `config/<name>`."""
    return config_path(name).read_text(encoding="utf-8")


def read_document(name: str) -> str | None:
    """Return the text of `docs/<name>`; None where this build has no such page."""
    found = _data_path("docs", name)
    return None if found is None else found.read_text(encoding="utf-8")


def _data_path(folder: str, name: str) -> Path | None:
    # An editable install has its data in the checkout. The project file tells it from a folder of
    # the same name that lies beside an installed package by chance.
    edited = _CHECKOUT / folder / name
    if (_CHECKOUT / "pyproject.toml").is_file() and edited.is_file():
        return edited
    return _installed(folder, name)


def _installed(folder: str, name: str) -> Path | None:
    # The installer's own list is right for every scheme (environment, --user, --target), where
    # `sysconfig` knows only that of the interpreter.
    try:
        listed = files("holdfast-coordinator") or []
    except PackageNotFoundError:
        return None
    wanted = ("share", "holdfast-coordinator", folder, name)
    found = [Path(str(file.locate())) for file in listed if file.parts[-4:] == wanted]
    found.append(_CHECKOUT.joinpath(*wanted))  # where --target puts it, whatever the list says
    return next((path.resolve() for path in found if path.is_file()), None)
