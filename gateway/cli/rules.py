"""`quanyu rules`: checks a file of warning rules, or shows the rules that are in force."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from gateway.settings import SettingsError, load_settings
from gateway.tracking.errors import TrackingFileError
from gateway.tracking.warnings.rule_file import OWN_RULES, read_rules

__all__ = ["rules"]


@click.group()
def rules() -> None:
    """Warning rules 预警规则: check a file, or show what is in force."""


@rules.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a problem, for editors and CI.")
def check(file: Path, as_json: bool) -> None:
    """Check a file of warning rules. Exit status 1 if anything is wrong."""
    try:
        found = read_rules(file)
    except TrackingFileError as error:
        for problem in error.problems:
            if as_json:
                fields = {
                    name: getattr(problem, name) for name in ("line", "column", "code", "message", "allowed")
                }
                click.echo(json.dumps({"file": str(problem.file), **fields}, ensure_ascii=False))
            else:
                click.echo(str(problem))
        count = len(error.problems)
        click.echo(f"{count} problem{'s' * (count != 1)}", err=True)
        sys.exit(1)
    click.echo(f"version {found.version}: {len(found.rules)} rules, {len(found.active)} in use", err=True)


@rules.command()
def show() -> None:
    """Print the file of rules in force: that of the setting `warning_rules`, else the built-in one."""
    try:
        name = load_settings(os.environ).warning_rules
        read_rules(path := Path(name) if name else OWN_RULES)
    except (TrackingFileError, SettingsError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(path.read_text(encoding="utf-8"), nl=False)
