"""The command line of the sample city: `python -m samples serve SYSTEM | city | farm | migrate`."""

from __future__ import annotations

from pathlib import Path

import click

from samples.catalogue import SUBGRAPHS, SYSTEMS
from samples.city import print_city
from samples.farm import DEFAULT_LATENCY_MS, DEFAULT_PROCESSES, DEFAULT_SYSTEMS, run_farm, serve_share
from samples.migrate import UnexpectedError, migrate
from samples.serve import DEFAULT_SEED, follow_parent, serve

__all__ = ["main"]


@click.group()
def main() -> None:
    """Stand-ins for a city's legacy approval systems, on 127.0.0.1."""


@main.command("serve")
@click.argument("system", type=click.Choice(sorted(SYSTEMS | SUBGRAPHS)))
@click.option("--port", default=0, show_default=True, help="0 takes a free port.")
@click.option(
    "--port-file", type=click.Path(dir_okay=False, path_type=Path), help="File to write the port to."
)
@click.option("--seed", default=DEFAULT_SEED, show_default=True)
@click.option("--with-parent", is_flag=True, help="End when standard input closes.")
def serve_command(system: str, port: int, port_file: Path | None, seed: int, with_parent: bool) -> None:
    """Run one system in this process."""
    if with_parent:
        follow_parent()
    serve(system, port=port, port_file=port_file, seed=seed)


@main.command("city")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON map only.")
@click.option("--seed", default=DEFAULT_SEED, show_default=True)
def city_command(as_json: bool, seed: int) -> None:
    """Run the eight systems and the subgraph as separate processes until Ctrl-C."""
    print_city(seed=seed, as_json=as_json)


@main.command("farm")
@click.option("--systems", default=DEFAULT_SYSTEMS, show_default=True)
@click.option("--processes", default=DEFAULT_PROCESSES, show_default=True)
@click.option("--latency-ms", default=DEFAULT_LATENCY_MS, show_default=True)
@click.option("--seed", default=DEFAULT_SEED, show_default=True)
@click.option(
    "--share", default=None, help="N/M: serve only every M-th system from the N-th, in this process."
)
@click.option(
    "--declarations",
    default=None,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write each system's declaration to.",
)
@click.option("--with-parent", is_flag=True, help="End when standard input closes.")
def farm_command(
    systems: int,
    processes: int,
    latency_ms: float,
    seed: int,
    share: str | None,
    declarations: Path | None,
    with_parent: bool,
) -> None:
    """Run many small systems, each on its own port, in a few processes until Ctrl-C."""
    if with_parent:
        follow_parent()
    if share is not None:
        first, _, step = share.partition("/")
        serve_share(systems, first=int(first), step=int(step), latency_ms=latency_ms, seed=seed)
        return
    run_farm(
        systems=systems, processes=processes, latency_ms=latency_ms, seed=seed, declarations=declarations
    )


@main.command("migrate")
def migrate_command() -> None:
    """Move a department off its SOAP system, under load; see samples/migrate.sh."""
    try:
        migrate()
    except UnexpectedError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
