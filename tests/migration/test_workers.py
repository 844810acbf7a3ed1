"""Two processes of one gateway: a step that one of them makes is in force in the other one."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import RedisServer
from tests.e2e.gateways import child_gateway
from tests.e2e.stubs import answering, declaration, stub
from tests.e2e.waiting import until
from tests.migration.test_routing import CASE, NUMBERS, new_declaration, rows

STEP = "mutation Go { %s { newShare version } }"
ADVANCE = 'migrationAdvance(system: "OLD", reason: "a test", force: true)'
SHARE = 'migrationSetPercent(system: "OLD", percent: 100, reason: "a test", force: true)'
BACK = 'migrationRollback(system: "OLD", reason: "a test", to: LEGACY)'


def test_a_step_and_a_rollback_through_one_worker_are_in_force_in_the_other(
    tmp_path: Path, shared_redis: RedisServer
) -> None:
    """Within its poll of 0.05 s; how long that is on a busy machine is not judged, only that nobody need restart."""
    systems = tmp_path / "systems"
    systems.mkdir()
    settings = {"migration_poll_s": "0.05", "access_records": "false", "redis_url": shared_redis.url}
    settings["data_dir"] = str(tmp_path / "data")
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with stub(answering(rows("old"))) as old, stub(answering(rows("new"))) as new:
        (systems / "old.yaml").write_text(declaration("OLD", old.url), encoding="utf-8")
        (systems / "new.yaml").write_text(new_declaration(new.url), encoding="utf-8")
        with (
            child_gateway(tmp_path / "one", systems, {}, **settings) as one,
            child_gateway(tmp_path / "two", systems, {}, **settings) as two,
        ):

            def titles(side: str) -> bool:
                found = [two.client.data(CASE, {"id": f"OLD:{n}"})["case"]["title"] for n in NUMBERS[:5]]
                return all(title.startswith(side) for title in found)

            assert titles("old")
            for step in (ADVANCE, ADVANCE, SHARE):
                one.client.data(STEP % step, token="demo-migration")
            until(lambda: titles("new"), what="the other worker asks the new side")
            one.client.data(STEP % BACK, token="demo-migration")
            until(lambda: titles("old"), what="the other worker is back at the old side")
