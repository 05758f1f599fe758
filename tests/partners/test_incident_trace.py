"""A trace in words: what a person sees of where funds came from and went."""

from typing import Any

from holdfast.client.incident_trace import as_dot, as_text, join
from holdfast.protocol.life_cycle_views import TracePage
from holdfast.protocol.type_ids import new_id

FIRST, SECOND = new_id("frq", now_ms=1), new_id("frq", now_ms=2)
ETHEREUM, TRON = "eip155:1", "tron:0x2b6653dc"
SENDER, RECEIVER, TX = f"{ETHEREUM}:0xaa", f"{ETHEREUM}:0xbb", f"{ETHEREUM}:tx:0xff"
BEYOND = f"{TRON}:TR7"
B = "b.example"
ETHER = f"{ETHEREUM}/slip44:60"
UNITS = {ETHER: {"symbol": "ETH", "decimals": 18}}


def _account(id_: str, chain: str, *places: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"id": id_, "kind": "account", "chain": chain, "flagged": places, **members}


def _edge(kind: str, source: str, target: str, **members: Any) -> dict[str, Any]:
    return {"kind": kind, "source": source, "target": target, "request_id": FIRST, **members}


def _place(number: int, **members: Any) -> dict[str, Any]:
    return {"request_id": FIRST, "address_no": number, **members}


def _page(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> TracePage:
    return TracePage.model_validate({"nodes": nodes, "edges": edges, "units": UNITS})


_REQUESTS = [{"id": FIRST, "kind": "request"}, {"id": SECOND, "kind": "request"}]
_TRANSACTION = {"id": TX, "kind": "transaction", "chain": ETHEREUM}


def test_accounts_are_told_chain_by_chain_with_transactions_and_partners_words() -> None:
    sent = _place(0, role="sender", asset=ETHER, amount=str(15 * 10**17), block=7)
    nodes = [
        *_REQUESTS,
        _TRANSACTION,
        _account(SENDER, ETHEREUM, sent),
        _account(RECEIVER, ETHEREUM, _place(1, withdrawn=True)),
        _account(BEYOND, TRON, service="exchange-d.example"),
    ]
    word = {"address_no": 1, "partner": "exchange-b.example", "tx": "5sig"}
    edges = [
        _edge("tx", SENDER, TX),
        _edge("tx", TX, RECEIVER),
        _edge("follows", FIRST, SECOND),
        _edge("moved_on", RECEIVER, BEYOND, **word),
        _edge("moved_on", SECOND, "service:a mixer", partner="exchange-c.example"),
    ]
    assert list(as_text(_page(nodes, edges))) == [
        "requests",
        f"  1  {FIRST}",
        f"  2  {SECOND}, follows 1",
        "     exchange-c.example: moved on to a mixer",
        "",
        ETHEREUM,
        "  0xaa",
        "    flagged: request 1, address 0, sender, 1.5 ETH, block 7",
        "    sent in tx 0xff to 0xbb",
        "  0xbb",
        "    flagged: request 1, address 1, withdrawn",
        "    received in tx 0xff from 0xaa",
        f"    exchange-b.example: moved on to {BEYOND} (exchange-d.example), tx 5sig",
        "",
        TRON,
        "  TR7 (exchange-d.example)",
        f"    exchange-b.example: moved on to here from {RECEIVER}",
    ]


def test_what_is_known_of_no_chain_is_told_as_it_was_given() -> None:
    edges = [
        _edge("moved_on", FIRST, "somewhere", partner=B),
        _edge("moved_on", FIRST, TX, partner=B),
    ]
    nodes = [_REQUESTS[0], {"id": "somewhere", "kind": "account"}]
    lines = list(as_text(_page(nodes, edges)))
    assert f"     {B}: moved on to tx 0xff" in lines
    assert lines[-3:] == [
        "on a chain that is not known here",
        "  somewhere",
        f"    {B}: moved on to here from request 1",
    ]


def test_of_a_transaction_to_thousands_a_few_are_named_and_the_rest_counted() -> None:
    many = [f"{ETHEREUM}:0x{number:04x}" for number in range(5_500)]
    nodes = [_TRANSACTION, *(_account(id_, ETHEREUM) for id_ in [SENDER, *many])]
    edges = [_edge("tx", SENDER, TX), *(_edge("tx", TX, id_) for id_ in many)]
    [sent] = [line for line in as_text(_page(nodes, edges)) if " sent in " in line]
    assert sent == "    sent in tx 0xff to 0x0000, 0x0001, 0x0002, 0x0003, 0x0004 and 5,495 more"


def test_pages_are_joined_by_their_nodes() -> None:
    first = _page(
        [_REQUESTS[0], _account(RECEIVER, ETHEREUM, _place(0)), _TRANSACTION],
        [_edge("tx", TX, RECEIVER)],
    )
    second = _page(
        [_REQUESTS[0], _account(RECEIVER, ETHEREUM, _place(4), service="a bridge")],
        [_edge("moved_on", RECEIVER, "service:x", partner=B)],
    )
    whole = join([first, second])
    assert [node.id for node in whole.nodes] == [FIRST, RECEIVER, TX]
    assert [place.address_no for place in whole.nodes[1].flagged] == [0, 4]
    assert whole.nodes[1].service == "a bridge"
    assert [edge.kind for edge in whole.edges] == ["tx", "moved_on"]
    assert whole.units == first.units
    assert whole.next_cursor is None
    # The pages themselves stay as they were.
    assert len(first.nodes[1].flagged) == 1


def test_dot_quotes_whatever_others_wrote() -> None:
    nasty = 'service:a "mixer"\n\\'
    nodes = [_account(SENDER, ETHEREUM), {"id": nasty, "kind": "service"}]
    edges = [_edge("moved_on", SENDER, nasty, partner=B), _edge("tx", SENDER, TX)]
    assert list(as_dot(_page(nodes, edges))) == [
        "digraph incident {",
        f'  "{SENDER}" [shape=box];',
        '  "service:a \\"mixer\\"\\n\\\\" [shape=house];',
        f'  "{SENDER}" -> "service:a \\"mixer\\"\\n\\\\" [label="moved_on: b.example"];',
        f'  "{SENDER}" -> "{TX}" [label="tx"];',
        "}",
    ]
