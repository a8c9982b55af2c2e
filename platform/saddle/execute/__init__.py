"""Running studies on Ray: the driver, its scheduler, and what follows the last trial."""
