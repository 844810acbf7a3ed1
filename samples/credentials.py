"""The one place for what the sample systems ask of a caller. Sample values, for this city only.

Each comes from an environment variable, so that declarations can say `${env:NAME}`; the default is printed by
`python -m samples city` together with the URLs.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DEFAULTS", "credential", "credential_environment"]

DEFAULTS: dict[str, str] = {
    "QUANYU_SAMPLE_FGW_INVEST_USERNAME": "quanyu",
    "QUANYU_SAMPLE_FGW_INVEST_PASSWORD": "fgw-sample-password",
    "QUANYU_SAMPLE_GSJ_LICENSE_KEY": "gsj-sample-key",
    "QUANYU_SAMPLE_GA_ENTRY_CLIENT_ID": "quanyu",
    "QUANYU_SAMPLE_GA_ENTRY_CLIENT_SECRET": "ga-sample-secret",
}


def credential(name: str, environment: Mapping[str, str]) -> str:
    """Value of one credential; raises KeyError for a name that is not in DEFAULTS."""
    return environment.get(name) or DEFAULTS[name]


def credential_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """All credentials as the servers will see them."""
    return {name: credential(name, environment) for name in DEFAULTS}
