"""What comes from elsewhere, read without executing anything in it: tables, logs of other tools, recorded loops."""
