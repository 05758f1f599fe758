"""Lists beside a paper: CSV files that a spreadsheet opens, and the one ZIP of a police pack."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from holdfast.paperwork.case_values import Case
from holdfast.protocol.amounts import KnownAssets, format_number
from holdfast.protocol.unit_amounts import chain_of
from holdfast.typesetting.characters import visible

#: A spreadsheet takes what begins so for a formula, and may run it.
_FORMULA_STARTS = ("=", "+", "-", "@")
_TIME = (1980, 1, 1, 0, 0, 0)


def addresses_csv(case: Case, assets: KnownAssets) -> bytes:
    """Return all flagged addresses, numbered from 1 as in the summary."""
    head = ("no", "chain", "account", "address", "tag", "asset", "unit", "amount", "base_units")
    rows = []
    for number, each in sorted(case.addresses.items()):
        chain, unit = chain_of(each.account), assets.unit(each.asset)
        address = each.account.removeprefix(f"{chain}:")
        amount = "" if each.amount is None or unit is None else format_number(each.amount, unit)
        rows.append(
            (
                str(number + 1),
                assets.chain_name(chain),
                each.account,
                address,
                each.tag or "",
                each.asset or "",
                unit.symbol if unit else "",
                amount.replace(",", ""),
                each.amount or "",
                each.role.value if each.role else "",
                each.tx or "",
                each.note or "",
            )
        )
    return _csv((*head, "role", "tx", "note"), rows)


def sums_csv(case: Case, assets: KnownAssets) -> bytes:
    """Return the sums by asset, in units where they are known, and in base units."""
    names = ("found", "frozen", "held", "released", "returned", "seized")
    rows = []
    for asset, totals in sorted(case.file.view.totals.items()):
        unit = assets.unit(asset)
        base_units = [getattr(totals, name) for name in names]
        units = [
            "" if unit is None else format_number(n, unit).replace(",", "") for n in base_units
        ]
        rows.append((asset, unit.symbol if unit else "", *units, *base_units))
    return _csv(("asset", "unit", *names, *(f"{name}_base_units" for name in names)), rows)


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return target.getvalue().encode("utf-8-sig")


def _cell(text: str) -> str:
    shown = visible(text).strip()
    return f"'{shown}" if shown.startswith(_FORMULA_STARTS) else shown


def file_rows(files: Mapping[str, bytes]) -> list[dict[str, str]]:
    """Return what a paper says of the files beside it."""
    return [
        {"name": name, "bytes": str(len(content)), "sha256": sha256(content).hexdigest()}
        for name, content in files.items()
    ]


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return files as one ZIP, with the SHA-256 of each in SHA256SUMS; the same for the same files.

    Nothing is compressed, for what is large is compressed already.
    """
    sums = "".join(f"{sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (*files.items(), ("SHA256SUMS", sums.encode())):
            info = zipfile.ZipInfo(name, _TIME)
            info.external_attr, info.create_system = 0o100600 << 16, 3
            archive.writestr(info, content)
    return target.getvalue()
