"""What each address is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache, partial
from typing import TypeVar
from urllib.parse import parse_qsl, quote

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from saddle.archive.notes import keep_note
from saddle.errors import Damaged, ForeignPath, NotFound, UserError
from saddle.execute.stop_request import ask_to_stop
from saddle.report.page import script_source
from saddle.report.write import page_of, report_path
from saddle.serve.events import Watching, event_stream
from saddle.serve.guard import Access, Guard
from saddle.serve.pages.index_page import index_page, index_regions
from saddle.serve.pages.render import STATIC, read_file, render_page
from saddle.serve.pages.study_page import study_page, study_regions
from saddle.serve.pages.trial_page import trial_page, trial_regions
from saddle.serve.watched.nights import read_page
from saddle.serve.watched.shared_reading import SharedReading
from saddle.serve.watched.storage import StorageReader, WatchedStorage
from saddle.serve.watched.study import StudyReader, WatchedStudy
from saddle.serve.watched.trial import TrialReader, WatchedTrial
from saddle.store.base import Store

WRITTEN_POLICY = (
    f"sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {script_source()}"
)
"""What reports may do, which are files of the storage: show themselves and sort tables. They fetch nothing."""
PNG = b"\x89PNG\r\n\x1a\n"
MOST_FORM_BYTES = 64 * 2**10
MOST_READERS = 64
"""Studies and trials whose readings are kept."""
LOCAL_PAUSE, BUCKET_PAUSE = 1.0, 3.0
"""Seconds between two looks at a folder, and at a bucket, where each is some requests."""

T = TypeVar("T")


class Pages:
    """The pages of one storage."""

    def __init__(self, store: Store, ending: Callable[[], bool]) -> None:
        self.store = store
        self.pause = BUCKET_PAUSE if "://" in store.url else LOCAL_PAUSE
        self.watching = Watching(self.pause, ending)
        self.storage: SharedReading[WatchedStorage] = SharedReading(StorageReader(store).read, self.pause)
        self.study = lru_cache(MOST_READERS)(self._study)
        self.trial = lru_cache(MOST_READERS)(self._trial)

    def _study(self, name: str) -> SharedReading[WatchedStudy]:
        return SharedReading(StudyReader(self.store, name).read, self.pause)

    def _trial(self, name: str, key: str) -> SharedReading[WatchedTrial]:
        return SharedReading(TrialReader(StudyReader(self.store, name), key).read, self.pause)

    async def index(self, request: Request) -> Response:
        """All studies."""
        return HTMLResponse(index_page(await self.storage.get(), self.store.url))

    async def index_events(self, request: Request) -> Response:
        """What changes on the page of all studies."""
        return event_stream(request, regions_of(self.storage, index_regions), self.watching)

    async def study_page(self, request: Request) -> Response:
        """One study."""
        return HTMLResponse(study_page(await self.study(request.path_params["study"]).get(fresh=True)))

    async def study_events(self, request: Request) -> Response:
        """What changes on a study's page."""
        reading = self.study(request.path_params["study"])
        await reading.get()
        return event_stream(request, regions_of(reading, study_regions), self.watching)

    async def report(self, request: Request) -> Response:
        """A study's report: as written, or made from the present results while the study is not finished."""
        study = await self.study(request.path_params["study"]).get(fresh=True)
        content = await to_thread.run_sync(self._report, study)
        return Response(content, media_type="text/html", headers={"content-security-policy": WRITTEN_POLICY})

    def _report(self, study: WatchedStudy) -> bytes:
        if study.progress.state == "finished":
            try:
                return self.store.read(report_path(study.stored.run))
            except FileNotFoundError:
                pass
        return page_of(self.store, study.results).encode()

    async def stop(self, request: Request) -> Response:
        """Ask the driver of a study to stop, on any machine."""
        name = request.path_params["study"]
        study = await self.study(name).get(fresh=True)
        if not study.is_training:
            raise UserError(f"{study.stored.run} is not running")
        await to_thread.run_sync(ask_to_stop, self.store, study.stored.run)
        return RedirectResponse(f"/studies/{quote(name, safe='')}", 303)

    async def note(self, request: Request) -> Response:
        """Keep a note on a study."""
        name = request.path_params["study"]
        study = await self.study(name).get(fresh=True)
        fields = await read_form(request)
        tags = [tag.strip() for tag in fields.get("tags", "").split(",") if tag.strip()]
        await to_thread.run_sync(partial(keep_note, self.store, study.stored, fields.get("text", ""), tags))
        return RedirectResponse(f"/studies/{quote(name, safe='')}", 303)

    async def trial_page(self, request: Request) -> Response:
        """One trial."""
        trial = await self.trial(request.path_params["study"], request.path_params["trial"]).get(fresh=True)
        return HTMLResponse(trial_page(trial))

    async def trial_events(self, request: Request) -> Response:
        """What changes on a trial's page."""
        reading = self.trial(request.path_params["study"], request.path_params["trial"])
        await reading.get()
        return event_stream(request, regions_of(reading, trial_regions), self.watching)

    async def picture(self, request: Request) -> Response:
        """A picture of a trial."""
        trial = await self.trial(request.path_params["study"], request.path_params["trial"]).get()
        path = trial.pictures.get(request.path_params["name"])
        if path is None:
            raise NotFound(f"{trial.line.name} has no picture {request.path_params['name']!r}")
        try:
            content = await to_thread.run_sync(self.store.read, path)
        except (OSError, Damaged, ForeignPath) as error:
            raise NotFound(f"{path} can't be read ({type(error).__name__})") from error
        if not content.startswith(PNG):
            raise NotFound(f"{path} is not a PNG")
        return Response(content, media_type="image/png")

    async def nightly(self, request: Request) -> Response:
        """A page that a nightly has written."""
        study, path = request.path_params["study"], request.path_params["path"]
        content, media_type = await to_thread.run_sync(read_page, self.store, study, path)
        return Response(content, media_type=media_type, headers={"content-security-policy": WRITTEN_POLICY})


async def static(request: Request) -> Response:
    """A file that pages load."""
    name = request.path_params["name"]
    if name not in STATIC:
        raise NotFound(f"there is no file {name!r}")
    return Response(read_file(name), media_type=STATIC[name])


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form that was sent; raises `UserError` if they are too long."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_FORM_BYTES:
            raise UserError(f"a form of more than {MOST_FORM_BYTES:,} bytes is not read")
    return dict(parse_qsl(content.decode(errors="replace"), keep_blank_values=True))


def regions_of(
    reading: SharedReading[T], render: Callable[[T], Mapping[str, str]]
) -> Callable[[], Awaitable[Mapping[str, str]]]:
    """The current regions of a page of what `reading` gives."""

    async def regions() -> Mapping[str, str]:
        return await to_thread.run_sync(render, await reading.get())

    return regions


async def explain(request: Request, error: Exception) -> Response:
    """The page of an error that a person can mend."""
    missing = isinstance(error, NotFound)
    title = "Not found" if missing else "It can't be shown"
    return HTMLResponse(render_page("problem.html", title=title, message=str(error)), 404 if missing else 409)


def make_app(store: Store, access: Access, ending: Callable[[], bool] = lambda: False) -> Guard:
    """The pages of a storage behind their guard; open ones are let go of once the server is `ending`."""
    pages = Pages(store, ending)
    of_study, of_trial = "/studies/{study}", "/studies/{study}/trials/{trial}"
    app = Starlette(
        routes=[
            Route("/", pages.index),
            Route("/events", pages.index_events),
            Route(of_study, pages.study_page),
            Route(f"{of_study}/events", pages.study_events),
            Route(f"{of_study}/report", pages.report),
            Route(f"{of_study}/stop", pages.stop, methods=["POST"]),
            Route(f"{of_study}/notes", pages.note, methods=["POST"]),
            Route(of_trial, pages.trial_page),
            Route(f"{of_trial}/events", pages.trial_events),
            Route(f"{of_trial}/pictures/{{name:path}}", pages.picture),
            Route("/nightly/{study}/{path:path}", pages.nightly),
            Route("/static/{name}", static),
        ],
        exception_handlers={UserError: explain},
    )
    return Guard(app, access)
