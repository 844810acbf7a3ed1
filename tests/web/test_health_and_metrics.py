"""What an orchestrator and a scraper see."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from adapters.traffic.breaker import BreakerState
from tests.web.toy import ToyEngine, running_web


def test_ready_names_the_systems_that_are_down_and_stays_200() -> None:
    systems = {"JT-PERMIT": "down", "GSJ-LICENSE": "up", "GA-ENTRY": "degraded"}
    with running_web(engine=ToyEngine(systems=systems)) as running:
        answer = httpx.get(f"{running.url}/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "down": ["JT-PERMIT"], "systems": systems}


def test_not_ready_before_the_engine_is() -> None:
    with running_web(engine=ToyEngine(ready=False)) as running:
        ready, live = httpx.get(f"{running.url}/health/ready"), httpx.get(f"{running.url}/health/live")
        assert (ready.status_code, ready.json()["status"]) == (503, "starting")
        assert live.status_code == 200
        running.engine.ready = True
        assert httpx.get(f"{running.url}/health/ready").json()["status"] == "ready"


def test_metrics_count_requests_operations_and_systems() -> None:
    with running_web() as running:
        for query in ("{ hello }", "{ hello broken }", "{"):
            httpx.post(f"{running.url}/graphql", json={"query": query})
        httpx.get(f"{running.url}/some/unknown/path")
        metrics = running.metrics
        metrics.call_ended("JT-PERMIT", "SOURCE_TIMEOUT", 2.0)
        metrics.breaker_changed("JT-PERMIT", BreakerState.OPEN)
        metrics.cache_asked("JT-PERMIT", "stale")
        text = httpx.get(f"{running.url}/metrics").text
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["quanyu_http_requests_total", "/graphql", "200", "POST"] == 3
    assert samples["quanyu_http_requests_total", "404", "GET", "other"] == 1
    assert samples["quanyu_operations_total", "ok", "query"] == 1
    assert samples["quanyu_operations_total", "partial", "query"] == 1
    assert samples["quanyu_operations_total", "refused", "unknown"] == 1
    assert samples["quanyu_system_calls_total", "JT-PERMIT", "SOURCE_TIMEOUT"] == 1
    assert samples["quanyu_system_breaker_state", "JT-PERMIT"] == 2
    assert samples["quanyu_cache_requests_total", "JT-PERMIT", "stale"] == 1
    assert samples["quanyu_http_requests_in_flight",] == 1, "the scrape itself"
