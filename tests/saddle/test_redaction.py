"""One redaction: what is secret goes, however it is written; what is not stays as it is; twice is as good as once."""

from __future__ import annotations

import ast
import io
import logging
import string
import time
import traceback
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from saddle.redaction import HIDDEN, redact, redact_error, redact_logs, redacting
from saddle.secret_names import is_secret_name

SOURCES = Path(__file__).parents[2] / "platform"

SHOWN = {
    "postgresql://u:p@hidden/w:rd@h/d": "postgresql://u:***@h/d",
    "mysql+pymysql://u:123/hidden@h/d": "mysql+pymysql://u:***@h/d",
    "http://:hidden@host/x": "http://:***@host/x",
    "redis://:hidden@h:6379/0": "redis://:***@h:6379/0",
    "s3://AKIA:hid/den@bucket/x": "s3://AKIA:***@bucket/x",
    "at 'postgresql://u:hid den@h/d' it failed": "at 'postgresql://u:***@h/d' it failed",
    "https://0123456789hidden0123456789@sentry.io/1": "https://***@sentry.io/1",
    "https://x/y?access_token=hidden&z=3": "https://x/y?access_token=***&z=3",
    "https://x/y?z=3&api_key=hidden": "https://x/y?z=3&api_key=***",
    "https://x/y?key=hidden0123456789abcdef&z=3": "https://x/y?key=***&z=3",
    "https://b/k?X-Amz-Credential=hidden%2F2026&X-Amz-Signature=hidden&X-Amz-Security-Token=hidden&X-Amz-Date=1":
        "https://b/k?X-Amz-Credential=***&X-Amz-Signature=***&X-Amz-Security-Token=***&X-Amz-Date=1",
    "https://acc.blob/c?sv=2020&sig=hidden%3D&se=1": "https://acc.blob/c?sv=2020&sig=***&se=1",
    "next=%3Ftoken%3Dhidden%26y%3D1": "next=%3Ftoken%3D***%26y%3D1",
    "Authorization: Bearer hidden.x": "Authorization: ***",
    "{'Authorization': 'Basic hidden=='}": "{'Authorization': '***'}",
    "it sent Bearer hidden-12 there": "it sent Bearer *** there",
    "it sent Basic dXNlcjpoaWRkZW4= there": "it sent Basic *** there",
    "-H 'X-Api-Key: hidden'": "-H 'X-Api-Key: ***",
    "password='hidden hidden' rest": "password='***' rest",
    'password="hidden \\" hidden" rest': 'password="***" rest',
    "password='hidden hidden": "password=***",
    "host=db password=hidden dbname=x": "host=db password=*** dbname=x",
    r"host=db password='hid\'hidden' dbname=x": "host=db password='***' dbname=x",
    "connect(user='u', password='hidden')": "connect(user='u', password='***')",
    '{"password": "hidden hidden", "n": 1}': '{"password": "***", "n": 1}',
    '"{\\"password\\": \\"hidden hidden\\", \\"n\\": 1}"': '"{\\"password\\": \\"***\\", \\"n\\": 1}"',
    "password: hidden": "password: ***",
    "hf_token: hidden": "hf_token: ***",
    "accessToken: 'hidden'": "accessToken: '***'",
    "client_secret=hidden&x=1": "client_secret=***&x=1",
    "password=123456": "password=***",
    "PGPASSWORD=hidden psql": "PGPASSWORD=*** psql",
    "export SOME_SECRET_THING=hidden": "export SOME_SECRET_THING=***",
    "AWS_SECRET_ACCESS_KEY=hid/den+hidden more": "AWS_SECRET_ACCESS_KEY=*** more",
    "AccountName=a;AccountKey=hidden==": "AccountName=a;AccountKey=***",
    "https://hooks.slack.com/services/T0/B0/hidden": "https://hooks.slack.com/services/***",
    "https://discord.com/api/webhooks/1/hidden": "https://discord.com/api/webhooks/***",
    "https://chat.example/hooks/hidden0123456789": "https://chat.example/hooks/***",
    "key AKIAHIDDEN7EXAMPLE00 was refused": "key *** was refused",
    "ghp_hidden0123456789abcdefABCDEF01234567 was refused": "*** was refused",
    "hf_HiddenHiddenHiddenHidden was refused": "*** was refused",
    "eyJhbGciOiJI.eyJzdWIiOiIx.hidden": "***",
    "-----BEGIN RSA PRIVATE KEY-----\nhidden\n-----END RSA PRIVATE KEY-----":
        "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----",
}  # fmt: skip

ORDINARY = [
    "tokens: 5", "token: 5", "keypoint=3, monkey=1", "key=value", "sort_key=name", "key: validation/accuracy",
    "max_tokens=100, num_token=5, cls_token=true, pad_token='<pad>', token_width=64", "sig=0.05", "secretary=3",
    "http://127.0.0.1:8265/x@y", "http://[::1]:8000/a@b", "http://h:5000/#/experiments/1?searchFilter=a@b",
    "postgresql://saddle@db/studies", "ssh://git@host/repo", "s3://bucket/team@home",
    "the cluster demands a token: set RAY_AUTH_TOKEN to that of its nodes", "no password: use the machine's role",
    "Basic understanding of Bearer authentication", "signature: (x, y)", "RAY_AUTH_MODE=token", "PWD=/home/u/x",
    "TOKENIZERS_PARALLELISM=false", "password=None", "token == other", "KeyError: 'token'", "lr=1e-3, seed=0",
    "AWS_SHARED_CREDENTIALS_FILE=/home/u/.aws/credentials", "postgresql://USER:PASSWORD@HOST/DATABASE",
    'File "x.py", line 3, in load\n    value = table[key]\nKeyError: 3',
]  # fmt: skip


@pytest.mark.parametrize(("text", "left"), SHOWN.items())
def test_a_secret_is_hidden_and_the_rest_stays(text: str, left: str) -> None:
    assert redact(text) == left
    assert redact(f"it failed: {text}").endswith(left)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


PIECES = st.sampled_from(
    [*SHOWN, *SHOWN.values(), *ORDINARY, "'", '"', "\\", "@", "://", "=", ": ", "***", "&", "\n", " "]
)


@given(st.lists(PIECES | st.text(max_size=8), max_size=8).map("".join))
@example("'http://a:b@h','x@y'")
@example("password='a b','***'")
def test_twice_is_as_good_as_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(st.dictionaries(st.text(string.ascii_lowercase + "_", min_size=1), st.integers() | st.floats() | st.booleans()))
def test_settings_stay(settings: dict[str, object]) -> None:
    text = ", ".join(f"{name}={value}" for name, value in settings.items() if not is_secret_name(name))
    assert redact(text) == text


@given(st.text(string.ascii_letters + " ,.;()-–α%\n", max_size=200))
def test_prose_stays(text: str) -> None:
    assert redact(text) == text


@given(st.text(string.ascii_letters + string.digits + "!$%*+,/:;=?@^_~", min_size=4, max_size=30))
def test_a_password_in_an_address_goes_whatever_stands_in_it(password: str) -> None:
    shown = redact(f"at postgresql://u:{password}@host/d it failed")
    assert shown in (f"at postgresql://u:{HIDDEN}@host/d it failed", f"at postgresql://u:{password}@host/d it failed")
    assert password.startswith(HIDDEN) or shown.count(HIDDEN) == 1


def test_what_saddle_says_itself_stays() -> None:
    changed = [
        node.value
        for path in SOURCES.rglob("*.py")
        if path.name != "redaction.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and redact(node.value) != node.value
    ]
    assert changed == []


def test_values_of_the_environment_go_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "plain words/as a key")
    monkeypatch.setenv("DATABASE", "postgresql://u:p%40ss-word@h/d")
    monkeypatch.setenv("POSTGRES_PASSWORD", "postgres")
    assert redact("the endpoint repeats plain words/as a key") == "the endpoint repeats ***"
    assert redact("as plain%20words%2Fas%20a%20key") == "as ***"
    assert redact("u and p@ss-word were refused") == "u and *** were refused"
    assert redact("postgresql is up, postgres is refused") == "postgresql is up, *** is refused"


@pytest.mark.parametrize("text", ["a", "x=", "://a:", '"', "password='", "\\", "eyJ", "sk-", "token: a ", "a.b-", " "])
def test_long_texts_take_no_longer_than_they_must(text: str) -> None:
    def seconds(length: int) -> float:
        since = time.thread_time()  # the processor's, whatever else it is busy with
        redact(text * (length // len(text)))
        return time.thread_time() - since

    short, long = (min(seconds(length) for _ in range(3)) for length in (4_000, 64_000))
    assert long < 16 * 8 * max(short, 1e-3), "it grows with the square of the length"


class TestErrors:
    def test_an_exception_keeps_its_kind_and_loses_its_secrets(self) -> None:
        token, password, address = "token=hidden", "password=hidden", "http://u:hidden@h"

        def fail() -> None:
            try:
                raise OSError(28, "no space", f"/mnt/{token}")
            except OSError as error:
                error.add_note(password)
                raise ValueError(f"at {address}") from error

        with pytest.raises(ValueError, match=r"at http://u:\*\*\*@h") as caught, redacting():
            fail()
        text = "".join(traceback.format_exception(caught.value))
        assert "hidden" not in text
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno == 28

    def test_one_that_makes_its_words_itself_is_told_in_others(self) -> None:
        class Own(Exception):
            def __str__(self) -> str:
                return "password=hidden"

        assert str(redact_error(Own())) == "Own: password=***"


def test_log_records_are_redacted_whoever_logs() -> None:
    before = logging.getLogRecordFactory()
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    log = logging.getLogger("some.library")
    log.addHandler(handler)
    try:
        redact_logs()
        redact_logs()
        log.warning("at %s, %d times", "http://u:hidden@h", 3)
        try:
            raise ValueError("token=hidden")
        except ValueError:
            log.exception("it failed")
    finally:
        logging.setLogRecordFactory(before)
        log.removeHandler(handler)
    assert "at http://u:***@h, 3 times" in said.getvalue()
    assert "ValueError: token=***" in said.getvalue()
