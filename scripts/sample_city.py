"""Runs the sample city and a gateway in front of it, prints what to try, and stops all of it on Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # instead of this folder

import httpx  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from gateway.web.server import PortTakenError, listen  # noqa: E402
from samples.catalogue import SUBGRAPHS, SYSTEMS  # noqa: E402
from samples.children import ChildFailedError  # noqa: E402
from samples.city import city_environment, running_city  # noqa: E402
from samples.serve import DEFAULT_SEED  # noqa: E402

TOKEN = "demo-clerk"  # noqa: S105 - printed for everyone to use
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0

QUERIES = {
    "One applicant's cases in every system, the slow one marked · 一人办件，标出慢系统": (
        '{ cases(applicant: {number: "500229197001010010"}, first: 20) '
        "{ nodes { id title state appliedAt department { name } } sources { system status latencyMs count } } }"
    ),
    "Where is my case · 办件进度": (
        '{ caseProgress(number: "JT2017-000123") '
        "{ cases { id state rawStatus timeline { nodes { step occurredAt } } } sources { system status } } }"
    ),
    "Planning cases with the lifts of what was built, from another department's own service · 办件与电梯检验": (
        '{ cases(systems: ["FGW-INVEST"], first: 3) { nodes { id title department { name nameEn } '
        "inspection { result inspectedOn lift { code region { name } } } } } }"
    ),
    "What can be applied for, and here? · 事项与可办查询": (
        '{ serviceItems(search: "旅行社", first: 3) { nodes { baseCode name } } '
        'availability(item: "500128001000", region: "500107") { available reason promisedLimit { amount unit } } }'
    ),
}


class StartError(RuntimeError):
    """The gateway did not start; the message ends with the last lines of its log."""


def main() -> int:
    arguments = _arguments()
    console = Console(soft_wrap=True, highlight=False)
    console.width = max(console.width, 100)  # the table's URLs are for copying: better wrapped than cut
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    try:
        host, port = _free_port(arguments.host, arguments.port)
        console.print("Starting the sample city · 正在启动示例城市…")
        with (
            running_city(seed=arguments.seed) as urls,
            _gateway(host, port, city_environment(urls)) as gateway,
        ):
            _write_environment(city_environment(urls))
            _print_banner(console, urls, f"http://{host}:{port}", wanted=arguments.port)
            code = gateway.wait()
            console.print(f"The gateway ended with code {code}; its log: {_log_path()}", style="red")
            return code or 1
    except KeyboardInterrupt:
        console.print("\nStopped · 已停止")
        return 0
    except (ChildFailedError, PortTakenError, StartError) as error:
        console.print(str(error), style="red", markup=False)
        return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/run", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--port", type=int, default=8000, help="the next free one is taken where it is not free"
    )
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="of the sample data")
    return parser.parse_args()


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _free_port(host: str, port: int) -> tuple[str, int]:
    with contextlib.closing(listen(host, port, choose_port=True).socket) as found:
        return host, int(found.getsockname()[1])


def _environment_path() -> Path:
    return Path(".quanyu") / "city.env"


def _write_environment(city: Mapping[str, str]) -> None:
    """What the declarations refer to, for a second terminal."""
    _environment_path().parent.mkdir(exist_ok=True)
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(city.items())]
    _environment_path().write_text("".join(lines), encoding="utf-8")


def _log_path() -> Path:
    return Path(".quanyu") / "gateway.log"


@contextlib.contextmanager
def _gateway(host: str, port: int, city: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`quanyu serve` as a child, taking requests; stopped at the end. Your own QUANYU_ variables win."""
    defaults = {
        "QUANYU_TOKENS_FILE": str(ROOT / "samples" / "tokens.yaml"),
        "QUANYU_GRAPHIQL_SAMPLES": str(ROOT / "samples" / "queries"),
        "QUANYU_GRAPHIQL_TOKEN": TOKEN,
        "QUANYU_DRAIN_NOTICE_S": "0",
    }
    environment = defaults | dict(os.environ) | dict(city) | {"QUANYU_HOST": host, "QUANYU_PORT": str(port)}
    log = _log_path()
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "quanyu", "serve"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us only; we then stop it before the city
        )
        try:
            _wait_until_live(child, f"http://{host}:{port}/health/live", log)
            yield child
        finally:
            child.terminate()
            try:
                child.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _wait_until_live(child: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if child.poll() is not None:
            break
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=1, trust_env=False).status_code == 200:
                return
        time.sleep(0.05)
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
    raise StartError(f"The gateway did not start (exit code {child.poll()}). The end of {log}:\n{tail}")


def _print_banner(console: Console, urls: Mapping[str, str], url: str, *, wanted: int) -> None:
    systems = Table(
        title="Systems and subgraphs of the sample city · 示例城市的系统与子图", title_justify="left"
    )
    for heading in ("System 系统", "Name 名称", "Protocol 协议", "URL"):
        systems.add_column(heading, no_wrap=True)
    for code, address in urls.items():
        spec = (SYSTEMS | SUBGRAPHS)[code]
        systems.add_row(code, spec.name, spec.protocol, address)
    console.print(systems)
    if wanted and not url.endswith(f":{wanted}"):
        console.print(
            f"Port {wanted} is taken, another was chosen · 端口 {wanted} 已被占用，已另选端口", style="yellow"
        )
    console.print(f"\n[bold]GraphQL and GraphiQL[/]  {url}/graphql   (open it in a browser · 用浏览器打开)")
    console.print(f"[bold]Health, metrics[/]       {url}/health/ready   {url}/metrics")
    console.print(f"[bold]Token 令牌[/]            {TOKEN}   (a citizen's: demo-citizen · 申请人令牌)")
    console.print(f"[bold]Log 日志[/]              {_log_path()}")
    console.print(
        f"[bold]For quanyu check/try[/]  source {_environment_path()}   (addresses of the systems · 系统地址)"
    )
    console.print("\n[bold]Try · 试一试[/]")
    for title, query in QUERIES.items():
        console.print(f"\n# {title}", style="green")
        console.print(_curl(url, query), markup=False)
    console.print("\nCtrl-C stops everything · 按 Ctrl-C 停止全部\n")


def _curl(url: str, query: str) -> str:
    body = json.dumps({"query": query}, ensure_ascii=False)
    return f"curl -s {url}/graphql -H 'authorization: Bearer {TOKEN}' -H 'content-type: application/json' -d '{body}'"


if __name__ == "__main__":
    sys.exit(main())
