"""Which rule each kind of deadline follows, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.tracking.clocks.clock import Basis
from gateway.tracking.clocks.limits import CaseLimits

__all__ = ["BASES", "statutory_basis"]

_LAW, _LAW_ZH = "Administrative Licensing Law", "行政许可法"

BASES: Mapping[str, Basis] = {
    basis.rule: basis
    for basis in (
        Basis("STATUTORY", f"{_LAW} art. 42, counted by art. 82", f"{_LAW_ZH}第四十二条、第八十二条"),
        Basis("STATUTORY_OF_ITEM", "the clause that the item is based on", "事项设定依据"),
        Basis("PROMISED", "the implementation's promised limit", "实施清单承诺办结时限"),
        Basis("PROMISED_BY_SYSTEM", "the end that the system itself promised", "办理系统承诺的办结时间"),
        Basis("ACCEPTANCE", f"{_LAW} art. 32", f"{_LAW_ZH}第三十二条"),
        Basis("CORRECTION", "the implementation's limit for corrected papers", "实施清单补正时限"),
        Basis("SPECIAL_PROCEDURE", f"{_LAW} art. 45, the time stated", f"{_LAW_ZH}第四十五条,告知的期限"),
        Basis("SUSPENSION", "the implementation's limit for suspensions", "实施清单挂起时限"),
        Basis("ISSUE", f"{_LAW} art. 44", f"{_LAW_ZH}第四十四条"),
        Basis("STEP", "the implementation's limit for the step", "实施清单环节时限"),
        Basis("CALLBACK", "the promise to call back", "回电承诺"),
    )
}
"""By rule, which is the kind of the deadline where it has one rule only."""


def statutory_basis(limits: CaseLimits) -> Basis:
    if limits.statutory_source:
        return Basis("STATUTORY_OF_ITEM", limits.statutory_source, limits.statutory_source)
    return BASES["STATUTORY" if limits.licence else "STATUTORY_OF_ITEM"]
