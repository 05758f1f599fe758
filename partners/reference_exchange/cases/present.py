"""Cases in which somebody has to act now, most of them at Northgate Exchange; all invented."""

from random import Random

from holdfast.protocol.vocabulary import DeclineCode, RequestStatus, Support, Tlp, Urgency
from reference_exchange.cases.accounts import COINS, Accounts, invented
from reference_exchange.cases.acts import (
    acknowledge,
    approve,
    ask,
    ask_more,
    at,
    dispute,
    freeze,
    nothing,
    read,
    reply,
    review,
    take,
    withdraw,
)
from reference_exchange.cases.case import Case, Flag

#: Known wallets of services, by account, as the operator would list them; invented.
SERVICE_WALLETS = {
    invented(COINS["ETH"], "service/harbour"): "Harbour Markets: hot wallet 3",
    invented(COINS["ETH"], "service/bridgeway"): "Bridgeway: router",
}
_HOT_WALLET, _ROUTER = SERVICE_WALLETS
#: How many accounts the flash request names, and what was stolen in all, in ether.
FLASH_ACCOUNTS, _FLASH_ETHER = 51, 113_000


def present(accounts: Accounts) -> tuple[Case, ...]:
    """Return the cases that are under way."""
    return (*_UNDER_WAY, _flash(accounts))


def _flash(accounts: Accounts) -> Case:
    """Return the theft of tonight: already out, and to be ratified within 41 minutes."""
    chosen = Random(FLASH_ACCOUNTS)  # noqa: S311 - the same every time, and no secret
    amounts = [chosen.randrange(900, 3_400) for _ in range(FLASH_ACCOUNTS - 1)]
    amounts.append(_FLASH_ETHER - sum(amounts))
    flagged = accounts.published_by_fbi(FLASH_ACCOUNTS)
    return Case(
        name="cold-wallet",
        asker="northgate",
        to=("harbour", "lakeside", "meridian", "kestrel", "sierra", "tessera", "bridgeway"),
        ago="18m 30s",
        title="Cold wallet emptied during a routine transfer",
        kind="hack",
        urgency=Urgency.FLASH,
        tlp=Tlp.AMBER_STRICT,
        before="47m",
        reference="NG-2318",
        summary="The signers saw a routine transfer and signed a change of the wallet's contract. "
        "The ether is being split over 51 accounts, and the first have begun to swap.",
        indemnity="Northgate makes good what a wrong freeze costs, up to two million dollars.",
        flags=tuple(
            Flag("ETH", f"{amount:,}", account=account)
            for amount, account in zip(amounts, flagged, strict=True)
        ),
        steps=(
            at("40s", acknowledge("harbour", who="system")),
            at("1m 10s", read("lakeside")),
            at("1m 30s", read("meridian")),
            at("2m", acknowledge("lakeside")),
            at("3m", take("harbour")),
            at("5m", freeze("harbour", {3: "412.5", 11: "90"}, rest=None)),
            at("7m", acknowledge("bridgeway", note="We watch the router by hand.")),
            at("9m", freeze("lakeside", {17: "655"}, found={17: "1,020"}, rest=None)),
            at("12m", nothing("tessera", code=DeclineCode.UNSUPPORTED_ASSET)),
        ),
        ends=RequestStatus.ACTIVE,
    )


_UNDER_WAY = (
    Case(
        name="processor",
        asker="northgate",
        to=("harbour", "lakeside", "meridian", "kestrel"),
        ago="2d 20h",
        title="Payment processor's hot wallet robbed",
        kind="hack",
        reference="NG-2314",
        summary="A processor that keeps its float with us lost its hot wallet. The ether went "
        "through two accounts, the tether stayed.",
        flags=(Flag("ETH", "720"), Flag("ETH", "315.4"), Flag("USDT", "288,000")),
        steps=(
            at("16m", approve()),
            at("30m", acknowledge("harbour", "lakeside", "meridian")),
            at("1h", freeze("harbour", {0: "264"})),
            at("2h", freeze("lakeside", {2: "120,500"}, found={2: "288,000"})),
            at("2h 10m", acknowledge("kestrel")),
            at("4h", nothing("meridian")),
            at("6h", nothing("kestrel", code=DeclineCode.FUNDS_GONE)),
            at(
                "2d 2h",
                dispute(
                    "harbour",
                    0,
                    "HM-2026-77",
                    "Our customer sells hardware and was paid in ether for a delivery; the invoice "
                    "and the waybill are from before the theft.",
                ),
            ),
        ),
        ends=RequestStatus.ACTIVE,
    ),
    Case(
        name="tax-refund",
        asker="harbour",
        to=("northgate", "kestrel"),
        ago="2d 19h",
        title="False tax refunds collected by text message",
        kind="phishing",
        summary="Text messages promised a refund and asked for a small payment first. The accounts "
        "below collected what was paid.",
        flags=(Flag("USDC", "58,900"), Flag("BTC", "0.61")),
        steps=(
            at("1h", approve()),
            at("1h 30m", acknowledge("northgate", "kestrel")),
            at("2h", freeze("northgate", {0: "41,250"})),
            at("3h", nothing("kestrel")),
        ),
        ends=RequestStatus.ACTIVE,
    ),
    Case(
        name="withdrawn-today",
        asker="sierra",
        to=("northgate",),
        ago="2d 3h",
        title="Betting site pays out with stolen tokens",
        kind="other",
        summary="Tokens from a theft in May were paid out as winnings.",
        flags=(Flag("USDT", "19,400"), Flag("USDT", "7,150")),
        steps=(
            at("40m", approve()),
            at("1h 30m", acknowledge("northgate")),
            at("3h", freeze("northgate", {0: "19,400", 1: "7,150"})),
            at(
                "1d 22h",
                withdraw("The second account is a winner's, who is no part of it.", numbers=[1]),
            ),
        ),
        ends=RequestStatus.ACTIVE,
    ),
    Case(
        name="two-leads",
        asker="meridian",
        to=("northgate", "lakeside"),
        ago="1d 9h",
        title="Trading bot's interface key stolen",
        kind="hack",
        summary="Somebody traded a customer's balance away against their own orders.",
        flags=(Flag("SOL", "3,300"), Flag("ETH", "44.1")),
        steps=(
            at("30m", approve()),
            at("50m", acknowledge("northgate", "lakeside")),
            at("2h", freeze("northgate", {1: "44.1"})),
            at("4h", nothing("lakeside")),
            at("1d 8h", withdraw("The other side of the orders has shown its strategy.")),
        ),
        ends=RequestStatus.ACTIVE,
    ),
    Case(
        name="question-answered",
        asker="lakeside",
        to=("northgate", "kestrel"),
        ago="5h 20m",
        title="Estate account emptied before probate",
        kind="insider",
        support=Support.POLICE_REPORT,
        police_report="CPD 26-55871",
        hours=240,
        summary="Somebody with access to the estate's papers sold its coins and moved the rest.",
        flags=(Flag("BTC", "3.3"), Flag("ETH", "71")),
        steps=(
            at("20m", approve()),
            at("45m", acknowledge("northgate", "kestrel")),
            at("1h 40m", ask("northgate", ["Date of the grant of probate"], "And who had access?")),
            at("3h", nothing("kestrel")),
            at("4h 10m", reply("northgate", "Granted last Monday. The executor alone had access.")),
        ),
        ends=RequestStatus.ACTIVE,
    ),
    Case(
        name="question-open",
        asker="northgate",
        to=("meridian", "sierra"),
        ago="6h 45m",
        title="Tour operator's supplier payments redirected",
        kind="scam",
        urgency=Urgency.ROUTINE,
        summary="Three payments went to accounts that a forged mail had named.",
        flags=(Flag("USDT on Tron", "36,800"), Flag("USDC", "12,900")),
        steps=(
            at("35m", approve("second-lead")),
            at("1h 20m", acknowledge("meridian")),
            at(
                "2h 30m",
                ask(
                    "meridian",
                    ["The forged mail", "Times of the three payments"],
                    "We see deposits that day, but two of them are from an exchange.",
                ),
            ),
            at("6h 20m", ask_more("kestrel")),
        ),
        ends=RequestStatus.ACTIVE,
    ),
    Case(
        name="late",
        asker="meridian",
        to=("northgate", "harbour"),
        ago="2h 25m",
        title="Loyalty points turned into coins",
        kind="hack",
        summary="An airline's points were exchanged in bulk and paid out in bitcoin.",
        flags=(Flag("BTC", "1.42"), Flag("BTC", "0.77")),
        steps=(
            at("9m", approve()),
            at("25m", acknowledge("harbour")),
            at("50m", review("harbour", "Two deposits are looked at.")),
        ),
        ends=RequestStatus.ACTIVE,
    ),
    Case(
        name="routine",
        asker="kestrel",
        to=("northgate", "sierra", "harbour"),
        ago="3h 10m",
        title="Concert tickets that never existed",
        kind="scam",
        urgency=Urgency.ROUTINE,
        tlp=Tlp.GREEN,
        summary="Some two hundred buyers paid for tickets in tether.",
        flags=(Flag("USDT on Tron", "22,600"), Flag("USDT on Tron", "9,050")),
        steps=(at("30m", approve()), at("1h", acknowledge("harbour"))),
        ends=RequestStatus.ACTIVE,
    ),
    Case(
        name="to-approve",
        asker="northgate",
        to=("harbour", "lakeside", "kestrel"),
        ago="52m",
        title="Recruiter's test file takes browser wallets",
        kind="phishing",
        before="9h",
        reference="NG-2317",
        summary="The same trick as two weeks ago, with new accounts, and one that we flagged then.",
        flags=(
            Flag("SOL", "415"),
            Flag("ETH", "12.75", note="First hop"),
            Flag("ETH", "64.4", like=("processor", 0)),
        ),
        ends=RequestStatus.SUBMITTED,
    ),
    Case(
        name="held-back",
        asker="northgate",
        to=("harbour", "lakeside", "meridian", "bridgeway"),
        ago="26m",
        title="Brokerage account taken over, coins on their way out",
        kind="phishing",
        urgency=Urgency.FLASH,
        before="1h 20m",
        reference="NG-2319",
        summary="The broker's desk was talked into new login details. The list below was typed "
        "from the customer's own notes.",
        flags=(
            Flag("ETH", "148", note="Largest payout"),
            Flag("ETH", "1,900", account=_HOT_WALLET, note="Where most of it arrived"),
            Flag("ETH", "33.5", has_checksum=False),
            Flag("XRP", "140,000", has_tag=False),
            Flag("USDC", "76,000", whole="Opened yesterday, and nothing else was ever paid in."),
            Flag("ETH", "410", account=_ROUTER),
            Flag("USDT on Tron", "54,300"),
        ),
        ends=RequestStatus.SUBMITTED,
    ),
)
