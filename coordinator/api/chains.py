"""The chain table in force: what ships, and what the operator added."""

from coordinator.api.pipeline import Reader
from coordinator.api.view import query_view
from coordinator.domain.permission import Permission
from holdfast.protocol import canonical_json, views


@query_view(answer=views.ChainTableView, needs=Permission.PARTNER_READ)
def read_chains(reader: Reader) -> bytes:
    """Read the chain table by which this coordinator reads accounts and assets.

    Keep it with its `version` and compare accounts by it: a chain that the operator added is known
    on both sides then. `ETag` and `If-None-Match` spare reading it again.
    """
    chains = reader.context.rulebook.chains
    return canonical_json.dumps({"version": chains.version, **chains.table})
