"""The ``amrobust`` command and its subcommands."""

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="amrobust")
def main() -> None:
    """Say, honestly, whether one optimizer is more robust than another."""
