"""Papers made of real cases, from a bundle's file: what they say, and what they refuse."""

import io
import re
import socket
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from lxml import etree  # type: ignore[import-untyped]  # ships no types

from holdfast.profiles.store import ProfileStore
from holdfast.protocol import strict_json
from tests.factories import ACCOUNT, ETHER
from tests.partners.shell import Shell
from tests.services.bundles import Unpacked, fetch
from tests.services.request_cast import Ask, Office, addresses
from tests.services.test_verification import others
from tests.summary.pdf_reading import MARGIN, WIDTH, rightmost, text_of

pytestmark = pytest.mark.parametrize("office", ["sqlite"], indirect=True, scope="module")

_ETHERS = 10**18
_DATE = ("--date", "2026-11-30T21:10:00Z")
_SENDER = {
    "sender_name": "Exchange B Ltd",
    "sender_address": "1 Harbour Street, Valletta",
    "officer_name": "Ada Borg",
    "officer_phone": "+356 2000 0000",
    "officer_email": "ada@exchange-b.example",
}
_KINDS: dict[str, dict[str, str]] = {
    "preservation-letter": {"recipient_name": "Wallet Host SA", "preserve_until": "2027-02-28"},
    "police-pack": {"recipient_name": "Cybercrime Unit"},
    "freezing-certificate": {
        "issuing_state": "Malta",
        "issuing_authority": "Attorney General",
        "case_number": "AG 12/26",
        "executing_state": "Germany",
        "holder_name": "Exchange B Ltd",
        "offence": "Computer fraud, section 337C",
    },
    "customer-notice": {
        "customer_name": "Grace Farrugia",
        "account_reference": "account ending 44",
        "authority": "Attorney General",
        "authority_reference": "AG 12/26",
        "appeal_route": "Court of Magistrates, by application",
    },
    "str": {
        "goaml.rentity_id": "1234",
        "goaml.institution_name": "Exchange B Ltd",
        "goaml.institution_code": "EXB",
        "goaml.currency_code_local": "EUR",
        "goaml.country": "MT",
        "goaml.funds_code": "K",
        "goaml.transmode_code": "E",
        "goaml.indicators": "VA1, VA7",
        "reporting.first_name": "Ada",
        "reporting.last_name": "Borg",
        "client.account": "44-1",
        "client.first_name": "Grace",
        "client.last_name": "Farrugia",
    },
}
#: What an FIU may ask for besides.
_MORE = {
    "goaml.rentity_branch": "HQ",
    "goaml.branch": "HQ",
    **{
        f"reporting.{name}": value for name, value in (("gender", "F"), ("birthdate", "1980-01-02"))
    },
    **{
        f"{whose}.{name}": value
        for whose in ("location", "client")
        for name, value in (
            ("address_type", "B"),
            ("address", "1 Harbour Street"),
            ("city", "Valletta"),
            ("zip", "VLT 01"),
            ("country_code", "MT"),
        )
    },
    "client.currency_code": "EUR",
    "client.account_name": "Spot",
    "client.client_number": "C-44",
    "client.account_type": "A",
    "client.role": "A",
    "client.opened": "2024-05-06",
    "client.balance": "12.50",
    "client.date_balance": "2026-03-02",
    "client.status_code": "A",
    "client.company_name": "Farrugia Ltd",
    "client.birthdate": "1990-03-04",
    "client.ssn": "0123456A",
    "client.passport_number": "P1",
    "client.nationality1": "MT",
    "client.residence": "MT",
    "client.phone_contact_type": "P",
    "client.phone_communication_type": "M",
    "client.phone_country_prefix": "356",
    "client.phone_number": "7900 0000",
    "client.email": "grace@customer.example",
    "client.occupation": "Trader",
}
_SCHEMA = Path(__file__).with_name("goaml_excerpt.xsd")


class Cases:
    """A request with a hold of 12.5 ETH at B, as B and as its requester have it in bundles."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office, self.folder = office, folder
        self.ask, self.hold = self.held()

    def held(self, **changes: Any) -> tuple[Ask, str]:
        """Return a request, and B's hold on it."""
        [b, *_] = others(self.office)
        flagged = {
            "account": ACCOUNT,
            "asset": ETHER,
            "amount": str(20 * _ETHERS),
            "tx": "0x" + "ab" * 32,
        }
        ask = self.office.desk.go_out(**{"addresses": [flagged], **changes})
        return ask, self.office.desk.hold(b, ask, 25 * _ETHERS // 2)

    def bundle(self, ask: Ask | None = None, *, of_requester: bool = False) -> Path:
        """Return the file of a bundle, B's or the requester's."""
        [b, *_] = others(self.office)
        member = self.office.desk.cast.a.auditor if of_requester else b.analyst
        path = self.folder / f"{(ask or self.ask).id}-{of_requester}.zip"
        if not path.exists():
            path.write_bytes(fetch(self.office, member, ask or self.ask))
        return path

    def given(self, kind: str, **changes: str) -> list[str]:
        """Return flags with all that a kind needs; an empty change takes one away."""
        said = {**_SENDER, **_KINDS[kind]}
        if kind == "str":
            said |= {
                f"transactions.{self.hold}.amount_local": "41250.75",
                f"transactions.{self.hold}.date": "2026-03-02T10:11:12",
            }
        return [
            w for name, value in {**said, **changes}.items() for w in ("--set", f"{name}={value}")
        ]


@pytest.fixture(scope="module")
def cases(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Cases:
    return Cases(office, tmp_path_factory.mktemp("bundles"))


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(ProfileStore(tmp_path / "home"), tmp_path)


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing may be asked of anybody: a bundle's paper is made offline."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a paper asked the network")

    with monkeypatch.context() as patched:
        patched.setattr(socket.socket, "connect", refuse)
        yield


Make = Callable[..., Result]


@pytest.fixture
def make(shell: Shell, cases: Cases) -> Make:
    def made(kind: str, *words: str, bundle: Path | None = None, **changes: str) -> Result:
        flags = cases.given(kind, **changes)
        return shell("paper", kind, str(bundle or cases.bundle()), *_DATE, *flags, *words)

    return made


def _faults(result: Result) -> str:
    assert result.exit_code == 6, result.output
    return " ".join(result.output.split())


def _only(folder: Path, ending: str) -> bytes:
    [path] = folder.glob(f"frq_*{ending}")
    return path.read_bytes()


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    "kind", ["preservation-letter", "freezing-certificate", "customer-notice", "str"]
)
def test_a_paper_says_the_same_as_text_and_as_pdf(
    make: Make, tmp_path: Path, kind: str, language: str
) -> None:
    done = make(kind, "-l", language)
    assert done.exit_code == 0, done.output
    text = _only(tmp_path, f".{kind}.{language}.txt").decode()
    pdf = _only(tmp_path, f".{kind}.{language}.pdf")
    assert rightmost(pdf) <= WIDTH - MARGIN + 1
    said = re.sub(r"\s", "", text_of(pdf))
    for each in (*_SENDER.values(), *(v for n, v in _KINDS[kind].items() if "." not in n)):
        assert each in " ".join(text.split())
        assert re.sub(r"\s", "", each) in said
    if kind != "preservation-letter":
        assert ("12,5 ETH" if language == "de" else "12.5 ETH") in " ".join(text.split())
        assert re.search(r"2026-\d\d-\d\d \d\d:\d\d UTC", text)
    assert "{{" not in text
    assert re.search(rb"<pdfaid:part>2</pdfaid:part>", pdf)


def test_the_same_case_details_and_date_make_the_same_bytes(make: Make, tmp_path: Path) -> None:
    for kind in _KINDS:
        assert make(kind).exit_code == 0
    first = {path.name: path.read_bytes() for path in tmp_path.glob("frq_*")}
    for kind in _KINDS:
        assert make(kind, "--force").exit_code == 0
    assert {path.name: path.read_bytes() for path in tmp_path.glob("frq_*")} == first
    assert len(first) == 2 * 4 + 1 + 1


def test_a_notice_to_a_customer_names_neither_requester_nor_flagged_account(
    make: Make, tmp_path: Path
) -> None:
    assert make("customer-notice").exit_code == 0
    for ending in (".txt", ".pdf"):
        content = _only(tmp_path, ending)
        said = content.decode() if ending == ".txt" else text_of(content)
        flat = re.sub(r"\s", "", said)
        told = (ACCOUNT.rpartition(":")[2], "exchange-a.example", "TLP", "Coldwallettheft", "frq_")
        for secret in told:
            assert secret not in flat


def test_a_customer_is_told_no_earlier_than_the_requester_asks(make: Make, cases: Cases) -> None:
    ask, _ = cases.held(do_not_notify_customer_until="2026-03-20T00:00:00Z")
    bundle = cases.bundle(ask)
    early = ("--date", "2026-03-10T00:00:00Z")
    refused = _faults(make("customer-notice", *early, bundle=bundle))
    assert "no customer is told before 2026-03-20 00:00 UTC" in refused
    assert make("customer-notice", *early, "--despite-silence", bundle=bundle).exit_code == 0


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind, names in _KINDS.items() for name in (*_SENDER, *names)],
)
def test_each_missing_detail_is_named_and_nothing_is_written(
    make: Make, tmp_path: Path, kind: str, name: str
) -> None:
    assert f"{name} is missing" in _faults(make(kind, **{name: ""}))
    assert not list(tmp_path.glob("frq_*"))


def test_a_detail_that_no_paper_takes_is_a_slip(make: Make) -> None:
    said = _faults(make("preservation-letter", sender_nme="x", recipient_name=""))
    assert "sender_nme: this paper takes no such detail" in said
    assert "recipient_name is missing" in said


def test_every_fault_of_a_report_is_told_at_once(make: Make, cases: Cases) -> None:
    said = _faults(
        make(
            "str",
            **{
                "goaml.rentity_id": "12a",
                "goaml.currency_code_local": "Euro",
                "client.birthdate": "1990-02-30",
                "client.last_name": "F" * 101,
                f"transactions.{cases.hold}.amount_local": "1,5",
                f"transactions.{cases.hold}.date": "",
            },
        )
    )
    for each in (
        "goaml.rentity_id: '12a' is not a whole number from 1",
        "goaml.currency_code_local: 'Euro' is not three capital letters",
        "client.birthdate: '1990-02-30' is not a day",
        "client.last_name: 101 characters, goAML takes 100",
        f"transactions.{cases.hold}.amount_local: '1,5' is not a number",
        f"transactions.{cases.hold}.date is missing",
    ):
        assert each in said


def _fits(report: Any) -> None:
    etree.XMLSchema(etree.parse(str(_SCHEMA))).assertValid(report)


def test_a_report_fits_the_schema_and_has_the_values_of_the_case(
    make: Make, cases: Cases, tmp_path: Path
) -> None:
    foreign = {"currency_code": "ETH", "exchange_rate": "3300.06", "internal_ref_number": "D-9"}
    told = {f"transactions.{cases.hold}.{name}": value for name, value in foreign.items()}
    done = make("str", "--schema", str(_SCHEMA), **_MORE, **told)
    assert done.exit_code == 0, done.output
    report = etree.fromstring(_only(tmp_path, ".xml"))
    _fits(report)
    transaction = report.find("transaction")
    told = {
        "transactionnumber": cases.hold,
        "date_transaction": "2026-03-02T10:11:12",
        "amount_local": "41250.75",
        "t_from/from_account/account": ACCOUNT.rpartition(":")[2],
        "t_from/from_country": "-",
        "t_from/from_foreign_currency/foreign_amount": "12.5",
        "t_to_my_client/to_account/account": "44-1",
        "t_to_my_client/to_account/signatory/t_person/last_name": "Farrugia",
        "t_to_my_client/to_country": "MT",
    }
    assert {path: transaction.findtext(path) for path in told} == told
    assert "12.5 ETH" in transaction.findtext("transaction_description")
    assert report.findtext("submission_date") == "2026-11-30T21:10:00"
    assert [each.text for each in report.iter("indicator")] == ["VA1", "VA7"]
    assert f"{cases.hold}: 12.5 ETH of 12.5 ETH held" in " ".join(report.findtext("action").split())


def test_the_requester_reports_what_went_to_each_account(
    make: Make, cases: Cases, tmp_path: Path
) -> None:
    mine = {f"transactions.{cases.hold}.{name}": "" for name in ("amount_local", "date")}
    bundle = cases.bundle(of_requester=True)
    missing = _faults(make("str", bundle=bundle, **mine))
    assert "transactions.address_1.amount_local is missing" in missing
    mine |= {"transactions.address_1.amount_local": "66000"}
    done = make("str", bundle=bundle, **mine, **_MORE)
    assert done.exit_code == 0, done.output
    report = etree.fromstring(_only(tmp_path, ".xml"))
    _fits(report)
    assert report.findtext("transaction/t_from_my_client/from_account/account") == "44-1"
    assert report.findtext("transaction/t_to/to_account/account") == ACCOUNT.rpartition(":")[2]
    assert report.findtext("transaction/date_transaction") == "2026-03-02T09:00:00"


def test_a_report_is_held_against_an_authoritys_schema(make: Make, shell: Shell) -> None:
    head = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
    strict = f'{head}<xs:element name="report" type="xs:int"/></xs:schema>'
    said = _faults(make("str", "--schema", shell.write("fiu.xsd", strict)))
    assert "the schema: line" in said
    said = _faults(make("str", "--schema", shell.write("no.xsd", "<xs:schema")))
    assert "it is no schema that can be read" in said
    lax = f'{head}<xs:element name="report"/></xs:schema>'
    assert make("str", "--schema", shell.write("lax.xsd", lax), "--force").exit_code == 0
    said = _faults(make("str", "--schema", str(_SCHEMA), "--force"))
    assert "rentity_branch" in said


def test_a_police_pack_is_one_zip_whose_sums_fit(make: Make, cases: Cases, tmp_path: Path) -> None:
    assert make("police-pack", bundle=cases.bundle(of_requester=True)).exit_code == 0
    with zipfile.ZipFile(io.BytesIO(_only(tmp_path, ".police-pack.en.zip"))) as pack:
        assert pack.testzip() is None
        files = {name: pack.read(name) for name in pack.namelist()}
    bundle = files[f"{cases.ask.id}.evidence.zip"]
    assert bundle == cases.bundle(of_requester=True).read_bytes()
    lines = files.pop("SHA256SUMS").decode().splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    assert sums == {name: sha256(content).hexdigest() for name, content in files.items()}
    letter = files["letter.txt"].decode()
    assert sha256(bundle).hexdigest() in letter
    assert "12.5 ETH" in letter
    assert re.search(r"\d+ checks verified", " ".join(letter.split()))
    accounts, totals = (files[n].decode("utf-8-sig") for n in ("addresses.csv", "sums.csv"))
    assert f"1,Ethereum,{ACCOUNT},{ACCOUNT.rpartition(':')[2]},,{ETHER},ETH,20," in accounts
    assert ",ETH,12.5,12.5,12.5,0,0,0," in totals
    assert files[f"{cases.ask.id}.summary.pdf"].startswith(b"%PDF")


def test_what_others_wrote_is_text_in_every_paper(make: Make, cases: Cases, tmp_path: Path) -> None:
    hostile = "=1+1 </reason><x a='&'> ]]> {{sender_name}} # | a | \u202eevil \u4f60 #panic(1)"
    ask = cases.office.desk.go_out(
        summary=hostile,
        incident={"title": hostile, "kind": "scam", "occurred_at": "2026-03-02T09:00:00Z"},
        addresses=[{"account": ACCOUNT, "note": "=HYPERLINK(1)", "asset": ETHER, "amount": "1"}],
    )
    bundle = cases.bundle(ask, of_requester=True)
    mine = {f"transactions.{cases.hold}.{name}": "" for name in ("amount_local", "date")}
    mine |= {"transactions.address_1.amount_local": "1", "client.account_name": "<b>&\u0007\u202e"}
    done = make("str", bundle=bundle, **mine)
    assert done.exit_code == 0, done.output
    assert "lack letters" in " ".join(done.output.split())
    report = etree.fromstring(_only(tmp_path, ".xml"))
    shown = hostile.replace("\u202e", "[U+202E]")
    assert shown in report.findtext("reason")
    assert report.findtext(".//account_name") == "<b>&[U+0007][U+202E]"
    assert shown in " ".join(_only(tmp_path, ".str.en.txt").decode().split())
    said = re.sub(r"\s", "", text_of(_only(tmp_path, ".str.en.pdf")))
    assert re.sub(r"\s", "", shown.replace("\u4f60", "[U+4F60]")) in said
    assert make("police-pack", bundle=bundle).exit_code == 0
    with zipfile.ZipFile(io.BytesIO(_only(tmp_path, ".zip"))) as pack:
        assert ",'=HYPERLINK(1)" in pack.read("addresses.csv").decode("utf-8-sig")


def test_a_name_that_is_very_long_stays_on_the_page(make: Make, tmp_path: Path) -> None:
    assert make("customer-notice", customer_name="W" * 5_000).exit_code == 0
    pdf = _only(tmp_path, ".pdf")
    assert rightmost(pdf) <= WIDTH - MARGIN + 1
    assert text_of(pdf).count("W") >= 5_000


def test_several_holds_are_several_customers_until_somebody_says(
    make: Make, cases: Cases, tmp_path: Path
) -> None:
    [b, *_] = others(cases.office)
    ask, first = cases.held()
    second = cases.office.desk.hold(b, ask, _ETHERS)
    bundle = cases.bundle(ask)
    refused = _faults(make("customer-notice", bundle=bundle))
    assert "you have 2 holds" in refused
    assert first in refused
    assert make("customer-notice", "--hold", second, bundle=bundle).exit_code == 0
    text = _only(tmp_path, ".txt").decode()
    assert second in text
    assert first not in text
    assert "no hold of this paper's" in _faults(
        make("customer-notice", "--hold", "hld_x", bundle=bundle)
    )


def test_a_drill_is_marked_and_never_reported(make: Make, cases: Cases, tmp_path: Path) -> None:
    desk = cases.office.desk
    ask = desk.go_out(drill=True, addresses=[{"account": ACCOUNT}])
    bundle = cases.bundle(ask, of_requester=True)
    assert "this request is a drill" in _faults(make("str", bundle=bundle))
    assert make("preservation-letter", bundle=bundle).exit_code == 0
    assert _only(tmp_path, ".txt").decode().startswith("DRILL")
    assert "DRILL" in text_of(_only(tmp_path, ".pdf"))


def test_no_paper_is_made_of_evidence_that_fails(make: Make, cases: Cases, tmp_path: Path) -> None:
    altered = Unpacked.of(cases.bundle().read_bytes())
    view = altered.json("request/request.json")
    altered.put("request/request.json", {**view, "summary": "Something else."})
    path = cases.folder / "altered.zip"
    path.write_bytes(altered.pack())
    done = make("preservation-letter", bundle=path)
    assert done.exit_code == 8
    assert "No paper is made of it" in " ".join(done.output.split())
    assert not list(tmp_path.glob("frq_*"))


def test_more_addresses_than_a_letter_lists_are_in_its_annex(
    make: Make, cases: Cases, tmp_path: Path
) -> None:
    ask = cases.office.desk.go_out(addresses=addresses(203, 50_000))
    done = make("preservation-letter", bundle=cases.bundle(ask, of_requester=True))
    assert done.exit_code == 0, done.output
    annex, text = _only(tmp_path, ".addresses.csv"), _only(tmp_path, ".txt").decode()
    assert annex.decode("utf-8-sig").count("\r\n") == 204
    assert "3 more are in the annex" in " ".join(text.split())
    assert sha256(annex).hexdigest() in text


def test_own_templates_come_first_and_their_faults_are_named(make: Make, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    template = own / "preservation-letter.en.txt"
    template.write_text("# Dear {{recipient_name}}\n\nOur {{own_file}}, {{date}}\n")
    flags = ("--templates", str(own))
    assert "{{own_file}} is no value" in _faults(make("preservation-letter", *flags))
    done = make("preservation-letter", *flags, own_file="F-7")
    assert done.exit_code == 0, done.output
    assert "Our F-7, 2026-11-30" in _only(tmp_path, ".txt").decode()
    template.write_text("# {{nope}}\n{{#each holds}}\n{{tx}} {{date\n")
    said = _faults(make("preservation-letter", *flags))
    for each in ("line 1: {{nope}} is no value", "line 2: {{#each holds}} is never closed"):
        assert each in said
    assert "there is no words.fr.toml" in _faults(make("preservation-letter", *flags, "-l", "fr"))
    (own / "words.fr.toml").write_text("[number]\n")
    assert "[incident] has no hack" in _faults(make("preservation-letter", *flags, "-l", "fr"))


def test_what_is_to_be_filled_in_is_printed_and_read_again(
    shell: Shell, cases: Cases, tmp_path: Path
) -> None:
    for kind in _KINDS:
        blank = shell("paper", kind, str(cases.bundle()), "--blank", *cases.given(kind))
        assert blank.exit_code == 0, blank.output
        details = shell.write("details.toml", blank.output)
        done = shell("paper", kind, str(cases.bundle()), *_DATE, "-d", details, "--text-only")
        assert done.exit_code == 0, done.output
    names = {path.suffix for path in tmp_path.glob("frq_*")}
    assert names == {".txt", ".xml", ".zip"}


def test_files_that_are_there_are_kept(make: Make, tmp_path: Path) -> None:
    assert make("preservation-letter").exit_code == 0
    before = _only(tmp_path, ".txt")
    done = make("preservation-letter", recipient_name="Another")
    assert done.exit_code == 2
    assert "--force" in done.output
    assert _only(tmp_path, ".txt") == before


def test_programs_read_which_files_were_written(make: Make, tmp_path: Path) -> None:
    done = make("preservation-letter", "--json", "--text-only")
    told = strict_json.loads(done.stdout.encode())
    [file] = told["files"]
    assert file["sha256"] == sha256((tmp_path / file["file"]).read_bytes()).hexdigest()
    assert "ask exchange-a.example" in told["remarks"][0]
