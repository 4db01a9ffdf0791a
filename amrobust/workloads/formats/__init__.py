"""Readers of data formats, one a module: from bytes to arrays, or a UserError in one line."""
