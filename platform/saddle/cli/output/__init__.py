"""How commands print: tables, figures of a terminal, errors."""
