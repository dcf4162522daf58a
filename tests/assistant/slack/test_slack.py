"""The app in a workspace: the real server, a stand-in for Slack."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Thread

import httpx
import pytest
from running import NOTES, ROOT, Server, environment
from running import server as run_server
from slack_standin import (
    APP_TOKEN,
    BOT,
    BOT_USER,
    SECRET,
    TOKEN,
    Post,
    Standin,
    Workspace,
    event_body,
    signature,
    standin,
)

PUBLIC = "https://notes.example.org"
KOREAN = "컨테이너를 지우면 데이터는 어떻게 되나요?"
ENGLISH = "What is the difference between an image and a container?"
UNCOVERED = {
    "en": ("How do I prune apple trees in winter?", "Who won the World Cup in 1998?"),
    "ko": ("쿠버네티스에서 파드 스케줄링은?", "김치찌개는 어떻게 끓여요?", "서울 지하철 요금은?"),
}
HOSTILE = """---
title: "<!channel> & *Notes* of `hostile` <@U1> _signs_"
---
## Zebra <!here> *stripes* & _snake_case_ ~gone~

Zebra herding alert: &lt;!channel> &lt;@U123> <https://evil.example|click> *bold* `co``de` & done.
Zebra grazing is on [the plain](javascript:alert(1)), on [the hill](https://hill.example/a?b=c&d|f).

## Quagga migration table

| Season | Where <!everyone> | `Herds` |
| --- | --- | --- |
| Quagga *spring* | the &lt;#C1> valley | **12** & more |
| Quagga autumn | the | ridge |

## Okapi telemetry log

```
okapi --telemetry <!channel> `x` *y*
    okapi --indented | grep "<@U1>"
```

## Aardvark digging essay

Aardvark digging LONG.
"""


@pytest.fixture(scope="module")
def slack() -> Iterator[Standin]:
    with standin() as running:
        yield running


@pytest.fixture(scope="module")
def app(slack: Standin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("slack")
    shutil.copytree(ROOT / "corpus", folder / "corpus")
    long = "digging deep into the ground for ants " * 80
    (folder / "corpus" / "hostile.md").write_text(HOSTILE.replace("LONG", long))
    with run_server(
        folder / "data",
        "--corpus",
        str(folder / "corpus"),
        NOTES_SLACK_SIGNING_SECRET=SECRET,
        NOTES_SLACK_BOT_TOKEN=TOKEN,
        NOTES_SLACK_API_URL=slack.api_url,
        NOTES_PUBLIC_URL=PUBLIC,
    ) as running:
        yield running


@pytest.fixture
def people(slack: Standin, app: Server) -> Iterator[Workspace]:
    yield Workspace(app.url, slack, _counter)
    assert not slack.faults


# The times of messages go on from test to test.
_counter = Workspace("", Standin()).count


def rest(app: Server, question: str, *history: str) -> dict[str, object]:
    body = {"question": question, "history": list(history)}
    return dict(httpx.post(f"{app.url}/api/v1/ask", json=body, timeout=60).json())


def bold(post: Post) -> str:
    quote = post.body["blocks"]
    return " ".join(
        element["text"]
        for block in quote
        if block["type"] == "rich_text"
        for section in block["elements"]
        for element in section["elements"]
        if element.get("style", {}).get("bold")
    )


@pytest.mark.parametrize("question", [KOREAN, ENGLISH])
@pytest.mark.parametrize("where", ["mention", "write"])
def test_the_answer_of_rest_comes_in_the_thread(
    people: Workspace, slack: Standin, app: Server, question: str, where: str
) -> None:
    post = slack.reply(getattr(people, where)(question))
    answer = rest(app, question)
    first = answer["passages"][0]  # type: ignore[index]
    best = first["highlights"][0]
    words = first["text"][best["start"] : best["end"]].replace("**", "")
    assert bold(post).split() == words.split()
    assert f"<{first['highlight_url']}|" in post.text
    assert post.body["channel"] == ("C1" if where == "mention" else "D1")
    assert [button["value"] for button in post.buttons] == [post.buttons[0]["value"]] * 2
    titles = [passage["section"]["title"] for passage in answer["passages"][1:]]  # type: ignore[index]
    assert all(title in post.text for title in titles)
    assert len(post.text.splitlines()) < 10


def test_a_command_is_answered_for_one_person(people: Workspace, slack: Standin) -> None:
    before = len(slack.posts)
    trigger = people.command(KOREAN)
    people.command(KOREAN, trigger_id=trigger)
    ts = people.write(KOREAN)
    same = slack.reply(ts)
    answered = [post for post in slack.posts[before:] if post.method == "response_url"]
    (post,) = answered
    assert post.body["response_type"] == "ephemeral"
    assert post.text == same.text


def test_a_command_without_an_address_of_slack_s_is_answered_all_the_same(
    people: Workspace, slack: Standin
) -> None:
    before = len(slack.posts)
    people.command(ENGLISH, response_url="https://elsewhere.example/", user_id="U7")
    post = slack.wait(lambda: slack.posts[before:])[0]
    assert (post.method, post.body["user"]) == ("chat.postEphemeral", "U7")


@pytest.mark.parametrize(("language", "said"), [("en", "The notes do not "), ("ko", "노트에")])
def test_what_is_not_covered_is_said(
    people: Workspace, slack: Standin, app: Server, language: str, said: str
) -> None:
    asked = UNCOVERED[language]
    question = next(each for each in asked if rest(app, each)["status"] == "not_covered")
    post = slack.reply(people.mention(question))
    told = rest(app, question)["message"]
    assert told.startswith(said)
    assert post.text.startswith(told)
    assert f"<{PUBLIC}/notes/" in post.text
    assert not bold(post)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("안녕하세요", "안녕하세요!"),
        ("hello", "Hello!"),
        ("", "궁금한 것을 적어 주세요."),
        ("?!", "질문에서 글자를 찾지 못했어요."),
        ("x" * 2001, "That question is too long."),
    ],
)
def test_small_talk_gets_its_sentence(
    people: Workspace, slack: Standin, text: str, said: str
) -> None:
    post = slack.reply(people.mention(text))
    assert said in post.text
    assert not post.buttons


def test_an_uncertain_answer_says_so(people: Workspace, slack: Standin, app: Server) -> None:
    question = "How do I start several containers at once?"
    answer = rest(app, question)
    post = slack.reply(people.write(question))
    assert (answer["grade"] == "may_answer") == ("may not be the exact answer" in post.text)


def test_a_thread_keeps_its_context(people: Workspace, slack: Standin, app: Server) -> None:
    first = "볼륨은 어디에 저장돼?"
    ts = people.mention(first)
    slack.reply(ts)
    people.mention("그럼 백업은?", thread_ts=ts)
    _, second = slack.wait(lambda: len(slack.replies_to(ts)) == 2 and slack.replies_to(ts))
    followed = rest(app, "그럼 백업은?", first)
    expected = followed["passages"] or [followed["closest"]]
    assert f"<{expected[0]['highlight_url']}|" in second.text  # type: ignore[index]


def test_votes_are_kept_and_thanked_for(people: Workspace, slack: Standin, app: Server) -> None:
    post = slack.reply(people.mention(KOREAN))
    before = len(slack.posts)
    people.click(post, 1)
    thanks = slack.wait(lambda: slack.posts[before:])[0]
    assert (thanks.method, thanks.body["user"]) == ("chat.postEphemeral", "U1")
    assert thanks.text == "의견 고마워요."
    gaps = httpx.get(f"{app.url}/api/v1/gaps", timeout=60).json()["gaps"]
    assert any(KOREAN in str(gap) for gap in gaps)


def test_a_vote_where_one_person_sees_the_answer(people: Workspace, slack: Standin) -> None:
    before = len(slack.posts)
    people.command(ENGLISH)
    post = slack.wait(lambda: slack.posts[before:])[0]
    container = {"is_ephemeral": True, "channel_id": "C9", "message_ts": people.ts()}
    people.click(post, 0, container=container)
    thanks = slack.wait(lambda: slack.posts[before + 1 :])[0]
    assert (thanks.method, thanks.text) == ("response_url", "Thank you, noted.")


@pytest.mark.parametrize(
    "change",
    [
        {"bot_id": "B9"},
        {"bot_id": BOT, "user": BOT_USER},
        {"user": BOT_USER},
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"},
        {"edited": {"user": "U1", "ts": "1700000000.000001"}},
        {"channel_type": "channel", "channel": "C1"},
        {"user": None},
    ],
)
def test_what_no_person_asks_is_ignored(
    people: Workspace, slack: Standin, change: dict[str, object]
) -> None:
    ignored = people.write(KOREAN, **change)
    slack.reply(people.write("hello"))
    assert not slack.replies_to(ignored)


def test_slack_s_own_marks_are_undone(people: Workspace, slack: Standin, app: Server) -> None:
    asked = "Is <http://docker.com|Docker> less secure &amp; slower than a VM, <@U5>?"
    post = slack.reply(people.mention(asked))
    assert bold(post) == bold(
        slack.reply(people.write("Is Docker less secure & slower than a VM, ?"))
    )


def test_slack_checks_the_address(people: Workspace) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c1", "token": "t"}).encode()
    response = people.send(body)
    assert (response.status_code, "c1" in response.text) == (200, True)


GOOD = event_body(
    {"type": "app_mention", "channel": "C1", "text": KOREAN, "ts": "1600000000.000001"}
)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (GOOD, lambda: signature(GOOD, age=301), 401),
        (GOOD, lambda: signature(GOOD, age=-400), 401),
        (GOOD, lambda: signature(GOOD, secret="another"), 401),
        (GOOD, {"X-Slack-Signature": ""}, 401),
        (GOOD, {"X-Slack-Signature": "v0=" + "é" * 64}, 401),
        (GOOD, {"X-Slack-Request-Timestamp": ""}, 401),
        (GOOD, {"X-Slack-Request-Timestamp": "soon"}, 401),
        (GOOD, {"X-Slack-Request-Timestamp": "9" * 400}, 401),
        (GOOD[:-20], lambda: signature(GOOD), 401),
        (GOOD[:-20], None, 400),
        (b"{" * 5000, None, 400),
        (b"[1]", None, 400),
        (b'{"type": "event_callback", "event": "text"}', None, 400),
        (b'{"type": "event_callback", "event": {"text": "\xff"}}', None, 401),
        (b"\x00\xfe\xff", {"X-Slack-Signature": ""}, 401),
        (b"", None, 400),
        (b"payload=%7B", None, 400),
    ],
)
def test_what_is_not_slack_s_is_refused(
    people: Workspace,
    slack: Standin,
    body: bytes,
    headers: dict[str, str] | Callable[[], dict[str, str]] | None,
    status: int,
) -> None:
    posted = len(slack.posts)
    # Signed now: by the time that this test has its turn, minutes may have passed.
    given = headers() if callable(headers) else headers
    encoded = {name: value.encode() for name, value in (given or {}).items()}
    response = people.send(body, headers=encoded)  # type: ignore[arg-type]
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    slack.reply(people.write("hello"))
    assert len(slack.posts) == posted + 1


def test_a_replayed_event_is_taken_once(people: Workspace, slack: Standin) -> None:
    body = event_body({"type": "app_mention", "channel": "C1", "text": "hello", "ts": people.ts()})
    headers = signature(body)
    assert [people.send(body, headers=headers).status_code for _ in range(3)] == [200] * 3
    slack.reply(people.write("hello"))
    slack.reply(json.loads(body)["event"]["ts"])


@pytest.mark.parametrize(
    ("question", "seen"),
    [
        ("What is the zebra herding alert?", "<!channel> <@U123>"),
        ("When does the quagga migrate in spring?", "the <#C1> valley"),
        ("What is the okapi telemetry command?", "okapi --telemetry <!channel> `x` *y*"),
        ("Tell me about aardvark digging", "|Read on>"),
    ],
)
def test_hostile_notes_are_shown_as_they_are(
    people: Workspace, slack: Standin, question: str, seen: str
) -> None:
    post = slack.reply(people.mention(question))
    assert seen in post.text


@pytest.mark.parametrize(
    "question",
    [
        "<!channel> <!here> what is docker?",
        "`*_~` <@UBOT> *docker*? _what_ ```is``` it",
        "docker " + "&lt;!channel&gt;" * 100,
        "\u202edocker\u0000 \ud800 what is it?",
        "| a | b |\n|---|---|\n| docker | image |",
        "x" * 10_000,
    ],
)
def test_hostile_questions_are_answered_with_care(
    people: Workspace, slack: Standin, question: str
) -> None:
    assert slack.reply(people.write(question)).text


def test_readiness_says_how_slack_is(app: Server, slack: Standin) -> None:
    slack.wait(lambda: "auth.test" in slack.calls)
    for _ in range(100):
        state = httpx.get(f"{app.url}/health/ready", timeout=60).json()["slack"]
        if state:
            break
        time.sleep(0.05)
    assert state == "ok"


def test_without_a_secret_there_is_nothing_there(server: Server) -> None:
    assert httpx.post(f"{server.url}/slack/events", content=GOOD).status_code == 404
    assert httpx.get(f"{server.url}/health/ready").json()["slack"] is None


def test_questions_stand_in_no_log(people: Workspace, slack: Standin, app: Server) -> None:
    said = "docker swordfish7"
    slack.reply(people.mention(said))
    people.send(GOOD.replace(KOREAN[:3].encode(), b"swordfish7"), headers={"X-Slack-Signature": ""})
    people.send(event_body({"type": "unheard_of", "text": said, "ts": people.ts()}))
    assert not any("swordfish7" in line for line in app.log)
    assert Path(app.data_dir, "slack.sqlite3").stat().st_mode & 0o077 == 0


QUESTIONS = (
    "컨테이너를 지우면 데이터는 어떻게 되나요?",
    "What is a bind mount?",
    "hello",
    "레이어 캐싱이 뭐예요?",
    "How do I prune apple trees?",
)


def test_a_killed_server_loses_nothing_and_answers_nothing_twice(
    slack: Standin, app: Server, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    # The index is there already; what was asked is not.
    shutil.copytree(app.data_dir, data_dir, ignore=shutil.ignore_patterns("*.lock", "*.sqlite3*"))
    settings = {
        "NOTES_SLACK_SIGNING_SECRET": SECRET,
        "NOTES_SLACK_BOT_TOKEN": TOKEN,
        "NOTES_SLACK_API_URL": slack.api_url,
    }
    with ExitStack() as stack:
        before = len(slack.posts)
        first = stack.enter_context(run_server(data_dir, **settings))
        pool = stack.enter_context(ThreadPoolExecutor(12))
        people = Workspace(first.url, slack, _counter)
        events = [
            {
                "type": "app_mention",
                "channel": f"C{number % 7}",
                "text": QUESTIONS[number % 5],
                "ts": people.ts(),
            }
            for number in range(50)
        ]
        sent = [pool.submit(deliver, people, each) for each in events]
        asked = [pool.submit(ask, first.url, QUESTIONS[n % 5]) for n in range(20)]
        slack.wait(lambda: len(slack.posts) >= before + 15)
        os.kill(first.pid, signal.SIGKILL)
        assert [each.result() for each in sent]
        assert [each.result() for each in asked]
        second = stack.enter_context(run_server(data_dir, **settings))
        people = Workspace(second.url, slack, _counter)
        sent = [pool.submit(deliver, people, each) for each in [*events, *events]]
        asked = [pool.submit(ask, second.url, QUESTIONS[n % 5]) for n in range(20)]
        assert [each.result() for each in sent] == [200] * 100
        assert [each.result() for each in asked] == [200] * 20
        slack.wait(lambda: all(slack.replies_to(str(each["ts"])) for each in events))
        over_a_socket(slack, data_dir, events, people)
        counts = {each["ts"]: len(slack.replies_to(str(each["ts"]))) for each in events}
        assert set(counts.values()) == {1}
    assert not slack.faults


def over_a_socket(
    slack: Standin, data_dir: Path, events: list[dict[str, str]], people: Workspace
) -> None:
    """Deliver all once more over Socket Mode, with a new question and a command."""
    with socket_mode(data_dir, slack):
        for number, event in enumerate(events):
            payload = json.loads(event_body(event))
            slack.push({"envelope_id": f"e{number}", "type": "events_api", "payload": payload})
        ts = people.ts()
        new = {"type": "message", "channel": "D1", "channel_type": "im", "text": "hello", "ts": ts}
        payload = json.loads(event_body(new))
        slack.push({"envelope_id": "new", "type": "events_api", "payload": payload})
        command = {
            "command": "/notes",
            "text": "hello",
            "team_id": "T1",
            "channel_id": "C1",
            "user_id": "U77",
            "trigger_id": "over-a-socket",
        }
        slack.push({"envelope_id": "command", "type": "slash_commands", "payload": command})
        acknowledged = {*(f"e{number}" for number in range(len(events))), "new", "command"}
        slack.wait(lambda: acknowledged <= set(slack.acknowledged))
        assert "Hello!" in slack.reply(ts).text
        slack.wait(lambda: [post for post in slack.posts if post.body.get("user") == "U77"])


def deliver(people: Workspace, event: dict[str, str]) -> int:
    """Deliver an event; 0 where nobody takes it."""
    with suppress(httpx.HTTPError):
        return people.send(event_body(event)).status_code
    return 0


def ask(url: str, question: str) -> int:
    """Ask over REST; -1 where nobody answers."""
    with suppress(httpx.HTTPError):
        body = {"question": question}
        return httpx.post(f"{url}/api/v1/ask", json=body, timeout=60).status_code
    return -1


@contextmanager
def socket_mode(data_dir: Path, slack: Standin) -> Iterator[None]:
    """Run `notes slack` until the block ends."""
    settings = {
        "NOTES_SLACK_APP_TOKEN": APP_TOKEN,
        "NOTES_SLACK_BOT_TOKEN": TOKEN,
        "NOTES_SLACK_API_URL": slack.api_url,
        "NOTES_RATE_LIMIT": "0",
    }
    process = subprocess.Popen(
        [*NOTES, "slack"],
        env=environment(data_dir, settings),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        assert any("is ready" in line for line in process.stderr)
        Thread(target=process.stderr.read, daemon=True).start()
        yield
    finally:
        process.terminate()
        assert process.wait(timeout=60) == 0
