"""Nothing stands in the tree that ties it to one machine or gives a secret away."""

import re

import pytest

from tests.architecture.tree import ROOT, text_lines

# Put together here, so that this file does not hold what it forbids.
_REGISTRIES = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry.npm" + "js.org",
    "crates" + ".io",
)

FORBIDDEN = {
    # Where packages come from is for whoever installs to say, and the lock file's hashes to check.
    "address of a package registry": re.compile("|".join(map(re.escape, _REGISTRIES))),
    "path of one machine": re.compile(
        r"(?<![\w.~}/-])/(?:root|home/(?!user/|you/)\w+|Users/\w+)/"
        f"|{re.escape(str(ROOT))}(?!\\w)"
    ),
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*$|\"d\": ?\"[\w-]{40,}\""),
    "access key": re.compile(r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|xox[abp]-[\w-]{20,})"),
    "merge conflict": re.compile(r"^(?:<{7}|>{7})(?: |$)"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds_a(what: str) -> None:
    pattern = FORBIDDEN[what]
    assert [place for place, line in text_lines() if pattern.search(line)] == []


SAMPLES = {
    "address of a package registry": "https://" + _REGISTRIES[0] + "/simple",
    "path of one machine": "open('" + "/ro" + "ot/holdfast/config')",
    "private key": "-----BEGIN " + "PRIVATE KEY-----",
    "access key": "AKIA" + "ABCDEFGHIJKLMNOP",
    "merge conflict": "<" * 7 + " HEAD",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_search_would_find_a(what: str) -> None:
    assert FORBIDDEN[what].search(SAMPLES[what])
