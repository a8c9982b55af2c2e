"""`saddle mcp`: studies for agents, over the Model Context Protocol."""

from __future__ import annotations

from saddle.cli.options import AsJson, Storage


def mcp(storage: Storage = None, as_json: AsJson = False) -> None:
    """Serve stored studies to an agent over MCP on standard input and output; nothing is written.

    With --json, list the tools instead.

    Example: saddle mcp --storage runs
    """
    from saddle.cli.agents.tools import StudyTools, description_of
    from saddle.cli.output.tables import print_json
    from saddle.store.open import open_store

    tools = StudyTools(open_store(storage, create=False))
    if as_json:
        print_json([{"name": tool.__name__, "description": description_of(tool)} for tool in tools.all])
        return
    from saddle.cli.agents.server import make_server

    make_server(tools).run()
