"""The problems that methods are run on."""
