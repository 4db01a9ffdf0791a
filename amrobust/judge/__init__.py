"""Claims about methods, the evidence on each, and the verdicts; nothing here trains."""
