"""`backup`: the database, while it serves, and its keys to another place."""

from dataclasses import asdict
from pathlib import Path

import click

from coordinator.cli.terminal_lines import say
from coordinator.cli.with_settings import fail, with_settings
from coordinator.operations.backup import back_up, back_up_keys
from coordinator.settings import Settings
from holdfast.protocol import canonical_json

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--to", "parent", type=_FOLDER, help="Write the database into a new folder in this.")
@click.option("--keys-to", "keys", type=_FOLDER, help="Copy the key files into this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def backup(settings: Settings, *, parent: Path | None, keys: Path | None, as_json: bool) -> None:
    """Back up the database, also while it is served.

    What is written is one consistent state, read again and verified. On PostgreSQL pg_dump makes
    it. The keys change only when you replace one: copy them then, to another medium, for whoever
    has both reads everything. Without them no backup can be read.
    """
    if parent is None and keys is None:
        fail("say what to back up: --to FOLDER for the database, --keys-to FOLDER for the keys")
    said: dict[str, object] = {}
    if keys is not None:
        is_new = back_up_keys(settings, keys, parent)
        said["keys"] = str(keys)
        if not as_json:
            say(f"keys: {'copied to' if is_new else 'the same are already in'} {keys}")
    if parent is not None:
        folder, manifest = back_up(settings, parent)
        said |= {"backup": str(folder), "manifest": asdict(manifest)}
        if not as_json:
            say(
                f"backup: {folder}: {manifest.file_bytes} bytes, {manifest.log.leaves} leaves, "
                f"{manifest.log.events} events; verified"
            )
    if as_json:
        click.echo(canonical_json.dumps(said).decode())
