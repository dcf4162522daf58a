"""docs/wiki.md is true: its examples run and print what it says, its tables are complete."""

import re

import pytest
from running import ROOT, Server
from test_api_docs import COMMANDS, chromium, in_page, in_process

PAGE = (ROOT / "docs" / "wiki.md").read_text()
REST = PAGE.partition("## By REST\n")[2]
SCRIPT = (ROOT / "ui" / "static" / "widget.js").read_text()
STYLE = (ROOT / "ui" / "static" / "widget.css").read_text()


def block(language: str, text: str = PAGE) -> str:
    """Return the first block in a language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found, language
    return found[1]


@pytest.mark.parametrize("language", COMMANDS)
def test_the_examples_print_what_the_page_says(language: str, server: Server) -> None:
    code = block(language, REST).replace("http://127.0.0.1:7860", server.url)
    if language == "js":
        with chromium() as browser:
            printed = in_page(browser, code, "", server)
    else:
        printed = in_process(COMMANDS[language], code, "")
    assert printed == block("text", REST)


def test_the_widget_of_the_page_answers(server: Server) -> None:
    element = block("html").replace("https://notes.example.com", server.url)
    with chromium() as browser:
        page = browser.new_page(base_url=server.url, locale="ko-KR")
        page.goto("/problems/")
        # A script that is written into a page by another does not run.
        page.set_content(re.sub(r"<script.*</script>", "", element))
        assert page.locator("a").inner_text() == "Ask the notes"
        page.add_script_tag(url=f"{server.url}/widget.js")
        page.get_by_role("textbox", name="노트에 물어보기").fill("볼륨이 뭐야?")
        page.get_by_role("button", name="보내기").click()
        page.locator("notes-assistant .lead").wait_for()


def test_every_attribute_and_property_is_on_the_page() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", PAGE.partition("| attribute |")[2], re.MULTILINE))
    read = set(re.findall(r'[gh]\w+Attribute\("(\w+)"', SCRIPT))
    assert named == read | {"lang", *re.findall(r":host\(\[(theme)=", STYLE)}
    styled = set(re.findall(r"var\((--notes-\w+)", STYLE))
    assert set(re.findall(r"--notes-\w+", PAGE)) == styled
    assert len(styled) == 4


def test_links_within_the_page_lead_to_headings() -> None:
    anchors = {
        heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.*)$", PAGE, re.M)
    }
    links = set(re.findall(r"\]\(#([^)]*)\)", PAGE))
    assert links
    assert links <= anchors
