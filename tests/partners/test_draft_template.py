"""A draft that nobody filled in is not sent; one that somebody did is sent once."""

from holdfast.client.draft_template import Known, request_template, untouched_faults
from holdfast.profiles.store import Profile
from holdfast.protocol import canonical_json, strict_json
from tests.partners.shell import ACCOUNT, FILLED_IN, Shell
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import request_view

_PLACES = ("/incident/title", "/incident/occurred_at", "/summary", "/to/0", "/addresses/0/account")


def test_an_untouched_draft_is_refused_with_every_place_to_fill_in(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    drafted = shell("draft").stdout
    done = shell("submit", shell.write("r.json", drafted))
    assert done.exit_code == 6
    lines = done.stderr.splitlines()
    assert lines[0] == f"Error: {len(_PLACES)} faults; nothing was submitted"
    for place, line in zip(_PLACES, lines[1:], strict=True):
        number = int(line.split(":")[0].removeprefix("  line "))
        assert f"{place} is as `holdfast draft` wrote it" in line
        assert place.rpartition("/")[2].strip("0") in drafted.splitlines()[number - 1]
    assert stub.seen == []


def test_a_drill_is_drafted_as_one_and_nothing_else_speaks_of_drills(
    shell: Shell, analyst: Profile
) -> None:
    del analyst
    assert strict_json.loads(shell("draft", "--drill").stdout.encode())["drill"] is True
    assert "drill" not in strict_json.loads(shell("draft").stdout.encode())


def test_what_is_untouched_is_named_along_with_other_faults(shell: Shell, analyst: Profile) -> None:
    del analyst
    document = strict_json.loads(request_template(Known(title="Hot wallet drained")).encode())
    document["urgency"] = "soon"
    done = shell("submit", shell.write("r.json", canonical_json.dumps(document)))
    assert "/summary is as" in done.stderr
    assert "/urgency" in done.stderr
    assert "/incident/title" not in done.stderr


def test_the_rest_beside_a_list_is_looked_at_likewise(shell: Shell, analyst: Profile) -> None:
    del analyst
    rest = shell.write("rest.json", shell("draft", "--csv", "--title", "x").stdout)
    listed = shell.write("a.csv", f"account\n{ACCOUNT[1]}\n")
    done = shell("submit", listed, "--template", rest)
    assert (done.exit_code, "/to/0 is as `holdfast draft` wrote it" in done.stderr) == (6, True)
    assert shell("draft", "--csv", *ACCOUNT).exit_code == 2


def test_sending_a_file_twice_is_one_request_and_another_draft_is_another(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    stub.answers("POST", "/v1/freeze-requests", request_view(status="submitted"), status=201)
    file = shell.write("r.json", shell("draft", *FILLED_IN, *ACCOUNT).stdout)
    other = shell.write("o.json", shell("draft", *FILLED_IN, *ACCOUNT).stdout)
    for path in (file, file, other):
        assert shell("submit", path).exit_code == 0
    posted = [seen for seen in stub.seen if seen.method == "POST"]
    keys = [seen.headers["Idempotency-Key"] for seen in posted]
    assert keys[0] == keys[1] != keys[2]
    assert posted[0].body == posted[1].body


def test_what_is_no_json_has_nothing_untouched() -> None:
    assert untouched_faults(b"{") == []
    assert untouched_faults(b'[{"title": 1}]') == []
