"""`quanyu token`: a token of the local issuer, for development and demonstrations."""

from __future__ import annotations

import os
import sys

import click

from gateway.security.oidc.local_issuer import issue
from gateway.settings import SettingsError, load_settings

__all__ = ["token"]


@click.command()
@click.option("--name", required=True, help="Who bears it; stands in logs.")
@click.option("--scope", "scopes", multiple=True, help="May be given again, e.g. --scope cases:read.")
@click.option("--subject", help="The applicant's own identity number 本人证件号码.")
@click.option("--department", help="The clerk's department: its unified social credit code 部门.")
@click.option("--region", help="The clerk's region code 区划.")
@click.option("--hours", default=8.0, show_default=True, type=click.FloatRange(min=0.01, max=8760))
def token(
    name: str,
    scopes: tuple[str, ...],
    subject: str | None,
    department: str | None,
    region: str | None,
    hours: float,
) -> None:
    """Print a bearer token of the local issuer 签发开发令牌.

    The gateway takes such tokens where the setting `local_issuer` is on. Never in production: whoever reads the
    data folder can make them.
    """
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        for problem in error.problems:
            click.echo(f"quanyu: {problem}", err=True)
        sys.exit(2)
    if not settings.local_issuer:
        click.echo(
            "quanyu: note: QUANYU_LOCAL_ISSUER is off; a gateway takes this token where it is on", err=True
        )
    click.echo(
        issue(
            settings.data_dir,
            name,
            scopes,
            hours=hours,
            subject=subject,
            department=department,
            region=region,
        )
    )
