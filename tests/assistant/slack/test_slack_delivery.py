"""Nothing that Slack delivers is answered twice or lost: crashes, retries, two ways of delivery."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import structlog.testing
from slack_standin import APP_TOKEN, SECRET, TOKEN, Standin, standin

from assistant.answering.ask import Assistant
from assistant.feedback.feedback_store import Feedback
from assistant.serving.limits import Limits
from assistant.serving.service import Service
from assistant.serving.telemetry import Metrics
from assistant.settings import read_settings
from assistant.slack.block_kit import said
from assistant.slack.connection import open_slack
from assistant.slack.events import create_bolt
from assistant.slack.inbox import FILE, Ask, Inbox
from assistant.slack.replies import Replies
from assistant.slack.socket_mode import connect
from assistant.slack.web_api import Slack, SlackRefused, Unreachable
from index.errors import SettingsError
from ui.cli.slack_command import answer_slack


@pytest.fixture
def slack() -> Iterator[Standin]:
    with standin() as running:
        yield running
        assert not running.faults


def asked(number: int, text: str = "hello", team: str = "T1") -> Ask:
    ts = f"1700000000.{number:06d}"
    return Ask(f"Ev{team}{number}", team, "C1", "U1", text, thread=ts, ts=ts)


@pytest.fixture
def service(docker: Assistant, tmp_path: Path) -> Iterator[Service]:
    with closing(Feedback(tmp_path, 90, lambda _: pytest.fail("not needed"))) as feedback:
        yield Service(docker, feedback, Metrics(docker.snapshot.version))


@contextmanager
def desk(
    service: Service, slack: Standin, folder: Path, limits: Limits | None = None, keep: int = 90
) -> Iterator[Replies]:
    inbox = Inbox(folder, keep)
    with closing(Replies(service, Slack(TOKEN, slack.api_url), inbox, limits, 0.05)) as opened:
        opened.open()
        yield opened


@pytest.mark.parametrize("keep", [90, 0])
def test_a_refused_token_is_said_once_and_the_question_waits(
    service: Service, slack: Standin, tmp_path: Path, keep: int
) -> None:
    refused = (200, {}, {"ok": False, "error": "token_revoked"})
    slack.replies = {"auth.test": [refused] * 5, "chat.postMessage": [refused]}
    with structlog.testing.capture_logs() as log, desk(service, slack, tmp_path, keep=keep) as here:
        here.take(asked(1))
        slack.wait(lambda: slack.calls.count("auth.test") >= 4)
        assert here.slack.status == "unauthorized"
        assert "Hello!" in slack.reply(asked(1).ts).text
        assert here.slack.status == "ok"
    assert [line["event"] for line in log].count("slack refuses the token") == 1


def test_slack_s_own_limit_is_waited_for(service: Service, slack: Standin, tmp_path: Path) -> None:
    slow = (429, {"Retry-After": "0"}, {"ok": False, "error": "ratelimited"})
    slack.replies = {"chat.postMessage": [slow, slow]}
    with desk(service, slack, tmp_path) as here:
        here.take(asked(1))
        assert slack.reply(asked(1).ts)
    assert slack.calls.count("chat.postMessage") == 3


def test_blocks_that_slack_refuses_become_text(
    service: Service, slack: Standin, tmp_path: Path
) -> None:
    refused = (200, {}, {"ok": False, "error": "invalid_blocks"})
    slack.replies = {"chat.postMessage": [refused]}
    with desk(service, slack, tmp_path) as here:
        here.take(asked(1))
        slack.wait(lambda: slack.calls.count("chat.postMessage") == 2)
    # The stand-in, stricter than Slack, wants blocks.
    assert slack.faults == ["there are no blocks, or too many"]
    slack.faults.clear()


def test_a_team_that_asks_too_much_is_told(
    service: Service, slack: Standin, tmp_path: Path
) -> None:
    with desk(service, slack, tmp_path, Limits("2/minute", "")) as here:
        for number in (1, 2, 3):
            here.take(asked(number))
            slack.reply(asked(number).ts)
        here.take(asked(4, team="T2"))
        slack.reply(asked(4).ts)
    methods = [slack.reply(asked(number).ts).method for number in (1, 2, 3, 4)]
    assert methods == ["chat.postMessage"] * 2 + ["chat.postEphemeral", "chat.postMessage"]
    assert "asked too much" in slack.reply(asked(3).ts).text


def test_what_was_sent_before_a_crash_is_looked_for(
    service: Service, slack: Standin, tmp_path: Path
) -> None:
    crashed = Inbox(tmp_path, 90)
    for number in (1, 2):
        crashed.claim(asked(number))
        crashed.sending(asked(number))
    Slack(TOKEN, slack.api_url).reply(asked(1), said("Hello!"))
    crashed.close()
    with desk(service, slack, tmp_path):
        assert slack.reply(asked(2).ts)
    assert slack.reply(asked(1).ts)


def test_what_slack_refuses_for_good_is_not_tried_again(slack: Standin) -> None:
    client = Slack(TOKEN, slack.api_url)
    slack.replies = {"chat.postMessage": [(200, {}, {"ok": False, "error": "is_archived"})]}
    with pytest.raises(SlackRefused, match="is_archived"):
        client.reply(asked(1), said("Hello!"))
    slack.replies = {"chat.postMessage": [(200, {}, {"ok": False, "error": "fatal_error"})]}
    with pytest.raises(Unreachable, match="fatal_error"):
        client.reply(asked(1), said("Hello!"))


def test_an_inbox_gives_each_question_to_one(tmp_path: Path) -> None:
    one, other = Inbox(tmp_path, 90), Inbox(tmp_path, 90)
    assert one.claim(asked(1)) == "claimed"
    assert one.claim(asked(1)) is None
    assert other.claim(asked(1)) is None
    assert other.abandoned() == []
    one.sending(asked(1))
    one.close()
    assert other.claim(asked(1)) == "sending"
    other.done(asked(1))
    other.close()
    with closing(Inbox(tmp_path, 90)) as later:
        assert later.claim(asked(1)) is None
        assert later.abandoned() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["slack.lock", FILE]


def test_a_conversation_has_its_last_ten_questions(tmp_path: Path) -> None:
    thread = asked(0).ts
    with closing(Inbox(tmp_path, 90)) as inbox:
        for number in range(12):
            ts = f"1700000000.{number:06d}"
            inbox.claim(Ask(f"E{number}", "T1", "C1", "U1", f"q{number}", thread, ts))
        last = Ask("E12", "T1", "C1", "U1", "q12", thread, "1700000000.000012")
        assert inbox.history(last) == tuple(f"q{number}" for number in range(2, 12))
        elsewhere = Ask("E13", "T1", "C2", "U1", "q13", thread, "1700000000.000013")
        assert inbox.history(elsewhere) == ()


def test_nothing_that_was_asked_is_kept_too_long(tmp_path: Path) -> None:
    now = [1_000_000.0]
    inbox = Inbox(tmp_path, 1, clock=lambda: now[0])
    inbox.claim(asked(1, "swordfish"))
    inbox.close()
    assert b"swordfish" in (tmp_path / FILE).read_bytes()
    now[0] += 86_500
    inbox = Inbox(tmp_path, 1, clock=lambda: now[0])
    inbox.tidy()
    assert inbox.abandoned() == []
    inbox.close()
    assert b"swordfish" not in (tmp_path / FILE).read_bytes()


def test_with_no_days_questions_stay_in_memory(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, 0)
    assert inbox.claim(asked(1, "swordfish")) == "claimed"
    later = Ask("E2", "T1", "C1", "U1", "and?", asked(1).ts, "1700000000.000002")
    assert inbox.history(later) == ("swordfish",)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    inbox.close()
    assert b"swordfish" not in kept + (tmp_path / FILE).read_bytes()
    with closing(Inbox(tmp_path, 0)) as inbox:
        assert inbox.claim(asked(1, "swordfish")) == "claimed"


def test_without_its_tokens_nothing_starts(service: Service, tmp_path: Path) -> None:
    settings = read_settings(data_dir=tmp_path, slack_signing_secret=SECRET)
    with pytest.raises(SettingsError, match="NOTES_SLACK_BOT_TOKEN is missing"):
        open_slack(service, settings, None)
    with pytest.raises(SettingsError, match="NOTES_SLACK_APP_TOKEN"):
        answer_slack(settings, lambda: pytest.fail("nothing is loaded"))


def test_a_refused_app_token_ends_socket_mode(
    service: Service, slack: Standin, tmp_path: Path
) -> None:
    with desk(service, slack, tmp_path) as here:
        bolt = create_bolt(here, TOKEN, SECRET)
        with pytest.raises(SettingsError, match="refuses NOTES_SLACK_APP_TOKEN: invalid_auth"):
            connect(bolt, here.slack, "xapp-wrong")
        connect(bolt, here.slack, APP_TOKEN)()


def test_a_damaged_inbox_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(SettingsError, match=FILE):
        Inbox(tmp_path, 90)
