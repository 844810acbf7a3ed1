"""The page as HTML: Jinja with autoescape, so that nothing a system answers can become a tag."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from adapters.mapping.dates import NETWORK_OFFSET
from adapters.migration.placement import Phase
from gateway.migration.board import USAGE_DAYS, Board
from gateway.migration.trend import HOUR_US
from gateway.web.migration_page.charts import PARTS, overview, spark, spark_text

__all__ = ["render", "render_sign_in"]

PHASES: Final = {
    "LEGACY": ("旧系统", "the old system answers"),
    "SHADOW": ("影子比对", "the old one answers, the new one is compared"),
    "CANARY": ("灰度", "the new one answers for a share of the cases"),
    "PRIMARY_NEW": ("新系统为主", "the new one answers, the old one where it fails"),
    "RETIRED": ("退役", "the old one is never asked"),
}
GATES: Final = {
    "compared": ("Compared", "比对量"),
    "mismatch": ("Mismatch", "不一致率"),
    "differences": ("Differences", "差异处置"),
    "errors": ("Errors", "错误率"),
    "latency": ("Latency", "时延"),
    "capabilities": ("Capabilities", "能力"),
    "callers": ("Callers", "调用方"),
    "openCases": ("Open cases", "在办件"),
    "writes": ("Writes", "写入"),
    "history": ("History", "历史数据"),
    "divergences": ("Divergences", "双写分歧"),
}
VERDICTS: Final = {
    "same": ("same", "一致"),
    "explained": ("explained", "规则可解释"),
    "noise": ("noise", "噪声"),
    "accepted": ("accepted", "人工接受"),
    "different": ("different", "未决差异"),
}
PART_NAMES: Final = VERDICTS | {"failed": ("no answer", "未应答")}
KINDS: Final = {
    "advance": ("advance", "推进"),
    "percent": ("percent", "调整比例"),
    "sample": ("sample", "调整抽样"),
    "rollback": ("rollback", "回退"),
    "freeze": ("freeze", "冻结"),
    "thaw": ("thaw", "解冻"),
}


def render(board: Board, *, who: str, asked: str | None, can_sign_out: bool) -> str:
    """who: has signed in; asked: the system that was named, which may be none of the board."""
    shown: dict[str, Any] = {}  # Any: what the template is given
    if board.chosen is not None and board.parity is not None and board.trend is not None:
        fields = board.parity["fields"]
        shown = {
            "chart": overview(board.trend),
            "slot": _width(board.trend.width_us),
            "sparks": {
                one["path"]: (
                    spark(board.trend.fields.get(one["path"], ())),
                    spark_text(board.trend.fields.get(one["path"], ())),
                )
                for one in fields
            },
            "unlike": [one for one in fields if one["samples"] or one["verdict"] != "same"],
            "alike": [one for one in fields if not one["samples"] and one["verdict"] == "same"],
            "missing": next((one for one in fields if one["path"] == "exists"), None),
            "reached": list(PHASES).index(board.chosen["phase"]),
        }
    return _ENVIRONMENT.get_template("page.html").render(
        board=board,
        who=who,
        asked=asked,
        can_sign_out=can_sign_out,
        phases=PHASES,
        kinds=KINDS,
        verdicts=VERDICTS,
        parts=PARTS,
        part_names=PART_NAMES,
        usage_days=USAGE_DAYS,
        last_phase=str(Phase.RETIRED),
        **shown,
    )


def render_sign_in(status: int, why: str | None) -> str:
    """status: 401 (nobody), 403 (somebody without the scope, whose name is `why`), 429, 503, …"""
    return _ENVIRONMENT.get_template("sign_in.html").render(status=status, why=why)


def _day(text: str | None) -> str:
    """`2026-11-24T14:02:03.000+08:00` as people read it."""
    return f"{text[:10]} {text[11:16]}" if text else "–"


def _moment(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, NETWORK_OFFSET).strftime("%Y-%m-%d %H:%M")


def _percent(share: float) -> str:
    return f"{share * 100:.2f} %"


def _number(value: int | float) -> str:
    return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _gate(name: str) -> tuple[str, str]:
    return GATES.get(name, (name, ""))


def _width(us: int) -> str:
    span = timedelta(hours=us // HOUR_US)
    hours = span // timedelta(hours=1)
    if hours % 24 == 0:
        return f"{hours // 24} d · {hours // 24} 天"
    return f"{hours} h · {hours} 小时"


def _environment() -> Environment:
    # autoescape: everything, whatever a template is called
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"day": _day, "moment": _moment, "percent": _percent, "number": _number, "gate": _gate}
    return made


_ENVIRONMENT: Final = _environment()
