"""Assets: one CAIP-19 spelling each, on a known chain, and amounts for people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.chains.asset import display_units, parse_asset
from holdfast.protocol.chains.chain import Chain, load_chains
from holdfast.protocol.chains.format_errors import AssetError, ChainsError
from tests.known_chains import BITCOIN, CHAINS, DASH, ETHEREUM, SOLANA, TRON, XRP

USDT = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
TRON_USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
RLUSD, POOL = "rMxCKbEDwqr76QuheSUMdEGf4B9xJ8m5De", "rE54zDvgnghAoPopCgvtiqWNq3dU5y836S"
SHARE = "039C99CD9AB0B70B32ECDA51EAAE471625608EA2"
STELLAR, SUI, OSMOSIS = "stellar:pubnet", "sui:35834a8a", "cosmos:osmosis-1"
CARDANO = "cardano:764824073"
CIRCLE = "GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN"
SOROBAN = "CCW67TSZV3SSS2HXMBQ5JFGCKJNXKZM7UQUWUZPUTHXSTZLEO7SJMI75"
SUI_USDC = "0xdba34672e30cb065b1f93e3ab55318768fd6fef66c15942c9f7cb846e2f900e7::usdc::USDC"
MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
XRP_ISSUER = "rvYAfWj5gh67oV6fW32ZzP3Aw4Eubs59B"


@pytest.mark.parametrize("chain", list(CHAINS), ids=lambda chain: chain.name)
def test_every_chain_has_its_native_asset(chain: Chain) -> None:
    asset = f"{chain.caip2}/slip44:{chain.native.slip44}"
    assert parse_asset(CHAINS, asset, chain=chain) == asset


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (f"{ETHEREUM}/erc20:{USDT}", f"{ETHEREUM}/erc20:{USDT.lower()}"),
        (f"{ETHEREUM}/erc20:{USDT.lower()}", f"{ETHEREUM}/erc20:{USDT.lower()}"),
        (f"{ETHEREUM}/erc721:{USDT}/771769", f"{ETHEREUM}/erc721:{USDT.lower()}/771769"),
        (f"{ETHEREUM}/erc721:{USDT}", f"{ETHEREUM}/erc721:{USDT.lower()}"),
        ("eip155:56/slip44:9006", "eip155:56/slip44:714"),
        (f"tron:728126428/trc20:{TRON_USDT}", f"{TRON}/trc20:{TRON_USDT}"),
        (f"{TRON}/trc10:1002000", f"{TRON}/trc10:1002000"),
        (f"{BITCOIN}/omni:31", f"{BITCOIN}/omni:31"),
        (f"{XRP}/token:USD.{XRP_ISSUER}", f"{XRP}/token:USD.{XRP_ISSUER}"),
        (f"{XRP}/token:{'ab' * 20}.{XRP_ISSUER}", f"{XRP}/token:{'AB' * 20}.{XRP_ISSUER}"),
        (f"{XRP}/xls20:{'0b' * 32}", f"{XRP}/xls20:{'0B' * 32}"),
        (f"{XRP}/token:RLUSD.{RLUSD}", f"{XRP}/token:524C555344{'00' * 15}.{RLUSD}"),
        (f"{XRP}/token:$$$.{XRP_ISSUER}", f"{XRP}/token:$$$.{XRP_ISSUER}"),
        (f"{XRP}/token:%24%24%24.{XRP_ISSUER}", f"{XRP}/token:$$$.{XRP_ISSUER}"),
        (f"{XRP}/xls30:{SHARE.lower()}.{POOL}", f"{XRP}/xls30:{SHARE}.{POOL}"),
        (f"{XRP}/xls33:{'0b' * 24}", f"{XRP}/xls33:{'0B' * 24}"),
        (f"{XRP}/xls33:{'0b' * 32}", f"{XRP}/xls33:{'0B' * 32}"),
        (f"{STELLAR}/asset:USDC-{CIRCLE}", f"{STELLAR}/asset:USDC-{CIRCLE}"),
        (f"{STELLAR}/asset:x-{CIRCLE.lower()}", f"{STELLAR}/asset:x-{CIRCLE}"),
        (f"{STELLAR}/cap38:{'AB' * 32}", f"{STELLAR}/cap38:{'ab' * 32}"),
        (f"{STELLAR}/sep41:{SOROBAN}", f"{STELLAR}/sep41:{SOROBAN}"),
        ("sui:mainnet/coin:0x2::sui::SUI", f"{SUI}/slip44:784"),
        (f"{SUI}/coin:{SUI_USDC}", f"{SUI}/coin:{SUI_USDC}"),
        (f"{SUI}/coin:{SUI_USDC.replace('::', '%3A%3A')}", f"{SUI}/coin:{SUI_USDC}"),
        (f"{SUI}/object:0x{'AB' * 32}", f"{SUI}/object:0x{'ab' * 32}"),
        ("aptos:1/fungible:0xa", "aptos:1/slip44:637"),
        ("aptos:1/coin:0x1::aptos_coin::AptosCoin", "aptos:1/slip44:637"),
        (f"aptos:1/fungible:0x{'AB' * 32}", f"aptos:1/fungible:0x{'ab' * 32}"),
        (f"{OSMOSIS}/native:uosmo", f"{OSMOSIS}/slip44:10000118"),
        (f"{OSMOSIS}/slip44:118", f"{OSMOSIS}/slip44:10000118"),
        (f"{OSMOSIS}/native:uion", f"{OSMOSIS}/native:uion"),
        (f"{OSMOSIS}/native:factory%2Fosmo1x%2Fy", f"{OSMOSIS}/native:factory/osmo1x/y"),
        (f"{OSMOSIS}/ibc:{'27394fb0' * 8}", f"{OSMOSIS}/ibc:{'27394FB0' * 8}"),
        (f"{SOLANA}/spl:{MINT}", f"{SOLANA}/token:{MINT}"),
        (f"{SOLANA}/nft:{MINT}", f"{SOLANA}/token:{MINT}"),
        (f"solana:4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ/token:{MINT}", f"{SOLANA}/token:{MINT}"),
        (f"eip155:56/bep20:{USDT.lower()}", f"eip155:56/erc20:{USDT.lower()}"),
        (f"{BITCOIN}/ordinals:{'6F' * 32}i0", f"{BITCOIN}/ordinals:{'6f' * 32}i0"),
        (f"{CARDANO}/token:{'AB' * 28}.{'C0' * 4}", f"{CARDANO}/token:{'ab' * 28}{'c0' * 4}"),
        (f"{CARDANO}/token:{'ab' * 28}", f"{CARDANO}/token:{'ab' * 28}"),
        ("hedera:mainnet/nft:0.0.55492/12", "hedera:mainnet/nft:0.0.55492/12"),
    ],
)
def test_every_spelling_of_an_asset_becomes_one(text: str, canonical: str) -> None:
    assert parse_asset(CHAINS, text) == canonical
    assert parse_asset(CHAINS, canonical) == canonical


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_caip19"),
        ("ETH", "not_caip19"),
        ("eip155:1", "not_caip19"),
        ("eip155:1/slip44", "not_caip19"),
        ("eip155:1/slip44:", "not_caip19"),
        ("eip155:1/SLIP44:60", "not_caip19"),
        ("eip155:1/slip44:60 ", "wrong_native"),
        ("eip155:1/slip44:060", "wrong_native"),
        ("eip155:1/slip44:0", "wrong_native"),
        (f"{BITCOIN}/slip44:60", "wrong_native"),
        ("eip155:999999/slip44:60", "unknown_chain"),
        (f"eip155:1/trc20:{TRON_USDT}", "unknown_namespace"),
        (f"{DASH}/erc20:{USDT}", "unknown_namespace"),
        (f"eip155:1/erc20:{USDT[:-1]}", "bad_reference"),
        (f"eip155:1/erc20:{USDT}/1", "bad_reference"),
        (f"eip155:1/erc20:{TRON_USDT}", "bad_reference"),
        (f"eip155:1/erc20:{USDT.replace('dAC', 'DAC')}", "bad_reference"),
        (f"eip155:1/erc721:{USDT}/", "bad_reference"),
        (f"eip155:1/erc721:{USDT}/01", "bad_reference"),
        (f"eip155:1/erc721:{USDT}/{2**256}", "bad_reference"),
        (f"{TRON}/trc20:{TRON_USDT[:-1]}u", "bad_reference"),
        (f"{BITCOIN}/omni:USDT", "bad_reference"),
        (f"{XRP}/token:XRP.{XRP_ISSUER}", "bad_reference"),
        (f"{XRP}/token:A.{XRP_ISSUER}", "bad_reference"),
        (f"{XRP}/token:{'A' * 21}.{XRP_ISSUER}", "bad_reference"),
        (f"{XRP}/token:%25%34%31.{XRP_ISSUER}", "bad_reference"),
        (f"{XRP}/xls30:{'ab' * 20}.{POOL}", "bad_reference"),
        (f"{XRP}/xls33:0b", "bad_reference"),
        (f"{STELLAR}/asset:{CIRCLE}", "bad_reference"),
        (f"{STELLAR}/asset:USDC-{CIRCLE}-7", "bad_reference"),
        (f"{STELLAR}/asset:USDC-{SOROBAN}", "bad_reference"),
        (f"{STELLAR}/cap38:ab", "bad_reference"),
        (f"{SUI}/coin:0x2::sui", "bad_reference"),
        (f"{SUI}/coin:0x12345::sui::SUI", "bad_reference"),
        (f"{OSMOSIS}/native:1x", "bad_reference"),
        (f"{BITCOIN}/ordinals:0", "bad_reference"),
        (f"{CARDANO}/token:{'ab' * 27}", "bad_reference"),
        (f"{XRP}/token:{'00' * 20}.{XRP_ISSUER}", "bad_reference"),
        (f"{XRP}/token:USD.{XRP_ISSUER[:-1]}", "bad_reference"),
        (f"{XRP}/xls20:12", "bad_reference"),
        ("eip155:1/erc20:" + "\ud800" * 40, "bad_reference"),
        ("eip155:1/erc20:" + "1" * 100_000, "not_caip19"),
    ],
)
def test_what_is_no_asset_of_a_known_chain_is_refused(text: str, code: str) -> None:
    with pytest.raises(AssetError) as caught:
        parse_asset(CHAINS, text)
    assert caught.value.code == code


def test_a_token_of_another_chain_is_refused_with_that_chain_s_name() -> None:
    with pytest.raises(AssetError, match="address of Tron"):
        parse_asset(CHAINS, f"eip155:1/erc20:{TRON_USDT}")


def test_an_asset_must_be_on_the_account_s_chain() -> None:
    with pytest.raises(AssetError) as caught:
        parse_asset(CHAINS, f"{ETHEREUM}/slip44:60", chain=CHAINS.by_id[BITCOIN])
    assert caught.value.code == "wrong_chain"
    with pytest.raises(AssetError, match="they must agree"):
        parse_asset(CHAINS, f"{ETHEREUM}/slip44:60", chain="eip155:999999")
    assert parse_asset(CHAINS, "tron:728126428/slip44:195", chain=TRON) == f"{TRON}/slip44:195"


@given(
    st.text(max_size=200),
    st.sampled_from([*CHAINS.by_id]),
    st.sampled_from(["slip44", "token", "erc721"]),
)
def test_no_text_whatever_raises_anything_but_an_asset_error(
    text: str, chain: str, space: str
) -> None:
    for candidate in (text, f"{chain}/{text}", f"{chain}/{space}:{text}"):
        try:
            canonical = parse_asset(CHAINS, candidate)
        except AssetError:
            continue
        assert parse_asset(CHAINS, canonical) == canonical


@pytest.mark.parametrize(
    "members", ['asset_aliases = { spl = "token" }', 'native_as = { native = "utrl" }']
)
def test_a_chain_names_only_namespaces_that_it_has(members: str) -> None:
    entry = '{ id = "trial:1", name = "Trial", symbol = "TRL", slip44 = 60, decimals = 18, %s }'
    table = f'[family.trial]\nrule = "evm"\nchains = [ {entry % members} ]'
    with pytest.raises(ChainsError, match="must name namespaces of its assets"):
        load_chains(table)


def test_units_are_told_where_the_decimals_are_known() -> None:
    native, token = f"{BITCOIN}/slip44:0", f"{ETHEREUM}/erc20:{USDT}"
    unknown = [f"{ETHEREUM}/erc20:0x{'1' * 40}", "no asset"]
    assert display_units(CHAINS, [native, token, *unknown]) == {
        native: {"symbol": "BTC", "decimals": 8},
        token: {"symbol": "USDT", "decimals": 6},
    }
