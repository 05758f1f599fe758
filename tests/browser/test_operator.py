"""The operator's page, from the port of the metrics: the one that `web` serves."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import on_both
from tests.browser.pages import check_page
from tests.browser.served import serve
from tests.conftest import World, write_keys
from tests.ports import free_port

pytestmark = pytest.mark.processes


@on_both
def test_the_operator_reads_how_it_runs(
    database_url: str, world: World, tmp_path: Path, page: Page
) -> None:
    write_keys(tmp_path / "keys")
    port = free_port()
    with serve(database_url, world.cast, tmp_path, metrics_port=port) as served:
        body = {"url": "http://127.0.0.1:9/secret-path"}
        made = served.post(world.cast.a.lead, "/v1/webhook-endpoints", body)
        assert made.status_code == 201, made.text
        page.goto(f"http://localhost:{port}/operator")
        expect(page.get_by_role("table", name="Members")).to_contain_text(world.cast.a.handle)
        expect(page.get_by_text("secret-path")).to_have_count(0)
        check_page(page, "operator")
        answer = page.goto(f"{served.console}/operator")
        assert answer is not None
        assert answer.status == 404
        metrics = page.goto(f"http://localhost:{port}/metrics")
        assert metrics is not None
        assert "holdfast_log_leaves" in metrics.text()
