"""`holdfast chains`: which chains the coordinator knows, and how their addresses are written."""

import click

from holdfast.cli.session import Session, SessionCommand, facts, pass_session
from holdfast.protocol.chains.chain import Chain, Chains
from holdfast.protocol.chains.format_errors import AccountError


@click.command(cls=SessionCommand)
@click.argument("name", required=False, metavar="[CHAIN]")
@pass_session
def chains(session: Session, name: str | None) -> None:
    """List the chains that the coordinator knows, or show one: by id, name or symbol.

    The table is kept: drafts are checked by it, and deposit addresses compared.
    """
    profile = session.profile()
    known = session.store.chains(profile.coordinator)
    table = session.client(profile).chains()
    session.store.keep_chains(profile.coordinator, table)
    if known is not None and known.version != table.version:
        session.err.print(
            "The coordinator's chain table has changed since it was last read; compare deposit "
            "addresses anew."
        )
    if name is not None:
        try:
            chain = table.named(name)
        except AccountError as error:
            raise click.UsageError(error.message) from None
        session.show(_as_json(chain), lambda: _show_one(session, table, chain))
        return
    session.show_list(
        list(table),
        ("chain", "id", "symbol"),
        lambda chain: (chain.name, chain.caip2, chain.native.symbol),
        empty="The coordinator's table holds no chain.",
        as_json=_as_json,
    )


def _as_json(chain: Chain) -> dict[str, object]:
    return {
        "id": chain.caip2,
        "name": chain.name,
        "names": list(chain.names),
        "aliases": list(chain.aliases),
        "symbol": chain.native.symbol,
        "asset": chain.native_asset,
        "decimals": chain.native.decimals,
    }


def _show_one(session: Session, table: Chains, chain: Chain) -> None:
    tokens = [
        f"{token.symbol} ({token.decimals} decimals): {asset}"
        for asset, token in table.tokens.items()
        if asset.startswith(chain.caip2 + "/")
    ]
    rows: list[tuple[str, object]] = [
        ("chain", chain.name),
        ("id", chain.caip2),
        ("also written", list(chain.aliases)),
        ("also called", list(chain.names)),
        ("native asset", f"{chain.native.symbol} ({chain.native.decimals} decimals)"),
        ("its id", chain.native_asset),
        ("assets", list(chain.asset_namespaces)),
    ]
    session.out.print(facts(rows))
    for token in tokens:
        session.out.print(token, markup=False)


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(chains)
