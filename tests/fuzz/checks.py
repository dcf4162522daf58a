"""What a fuzzing run expects beyond what the description can say; see SCHEMATHESIS_HOOKS."""

import json

import schemathesis
from schemathesis import Case, CheckContext, Response
from schemathesis.specs.openapi.checks import positive_data_acceptance

PROBLEM = "application/problem+json"


@schemathesis.check
def accepts_what_can_be_answered(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """Stand for positive_data_acceptance, which is left out: no schema can say which documents
    there are, nor that a question needs more than control characters."""
    if response.status_code == 422 and _about_content(response.json()):
        return None
    return positive_data_acceptance(ctx, response, case)


@schemathesis.check
def errors_are_problems(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """Every error is a problem of its own status, and tells nothing of the program."""
    if response.status_code < 400:
        return None
    text = response.content.decode()
    if "Traceback" in text or 'File "' in text:
        raise AssertionError("A stack trace leaves the server")
    if response.headers["content-type"] != [PROBLEM]:
        raise AssertionError(f"{response.headers['content-type']} is no problem")
    if response.status_code != json.loads(text)["status"]:
        raise AssertionError("The problem has another status")
    return None


def _about_content(problem: dict[str, object]) -> bool:
    if problem["type"] == "/problems/invalid-question":
        return True
    detail = str(problem["detail"])
    return detail.startswith(("There is no document ", "There is no corpus "))
