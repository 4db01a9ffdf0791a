"""The errors that reach a user as one line, with the exit status each one ends in."""


class AmrobustError(Exception):
    """Base of the errors whose message is meant for the user as it stands."""

    exit_status = 1


class UserError(AmrobustError):
    """Bad usage or bad input: the message says what is wrong and what to do instead. Exit status 2."""

    exit_status = 2


class RunError(AmrobustError):
    """Something asked for correctly failed while it was carried out. Exit status 1."""
