"""A TCP link that can break just after a request was answered: it was done, but the client never learns it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Sequence
from types import TracebackType

from tests.support.waiting import join_all


class LossyLink:
    """Forwards connections from `port` on loopback to `target`; `lose(n)` breaks at the n-th answer to `request`.

    Only a request that follows one of `after` on its connection counts.
    """

    def __init__(self, target: int, request: bytes, after: Sequence[bytes] = (b"",)) -> None:
        self._target = target
        self._request = request
        self._after = after
        self._lock = threading.Lock()
        self.seen = 0
        """How many such requests passed."""
        self.lost = 0
        self._lose_at: int | None = None
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def lose(self, nth: int | None) -> None:
        """Restart counting, and lose the answer to the n-th request from now on; none if `nth` is None."""
        with self._lock:
            self.seen, self.lost, self._lose_at = 0, 0, nth

    def __enter__(self) -> LossyLink:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        join_all(self._thread)
        for connection in list(self._sockets):
            self._close(connection)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target), timeout=60)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self._sockets |= {client, server}
            doomed = threading.Event()
            threading.Thread(target=self._requests, args=(client, server, doomed), daemon=True).start()
            threading.Thread(target=self._answers, args=(server, client, doomed), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket, doomed: threading.Event) -> None:
        begun = False
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                with self._lock:
                    begun = begun or any(word in data for word in self._after)
                    if begun and self._request in data:
                        begun = False
                        self.seen += 1
                    if self._lose_at is not None and self.seen >= self._lose_at:
                        self._lose_at = None
                        self.lost += 1
                        doomed.set()
                server.sendall(data)
        self._close(server)

    def _answers(self, server: socket.socket, client: socket.socket, doomed: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if doomed.is_set():  # the server has done it
                    self._close(server)
                    break
                client.sendall(data)
        self._close(client)

    def _close(self, connection: socket.socket) -> None:
        self._sockets.discard(connection)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
