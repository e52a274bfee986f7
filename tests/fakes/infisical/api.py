"""From a request to the response that a healthy Infisical gives."""

from tests.fakes.infisical.call import Call, caller_of
from tests.fakes.infisical.errors import ApiError, rate_limited, unknown_route
from tests.fakes.infisical.etag import conditional
from tests.fakes.infisical.messages import Request, Response, json_response
from tests.fakes.infisical.ratelimit import Verdict
from tests.fakes.infisical.route import Route
from tests.fakes.infisical.routes import find
from tests.fakes.infisical.state import State


def answer(request: Request, state: State) -> Response:
    """Return the response to one API request."""
    found = find(request.method, request.path)
    if found is None:
        body = unknown_route(request.method, request.target)
        return conditional(request, json_response(body, 404))
    route, request.params = found
    verdict = state.limiter.judge(route.bucket, route.name, request.peer)
    try:
        response = _handle(route, request, state, verdict)
    except ApiError as error:
        response = json_response(error.body(), error.status)
        if error.closes:
            response.headers["connection"] = "close"
    if verdict is not None:
        response.headers |= verdict.headers()
    return conditional(request, response)


def _handle(route: Route, request: Request, state: State, verdict: Verdict | None) -> Response:
    """Run the checks in the real server's order: limit, token, then body and fields."""
    if verdict is not None and verdict.refused:
        raise rate_limited(verdict.reset)
    call = Call(request, state, caller_of(request, state))
    if route.needs_token:
        _ = call.identity
    return route.handler(call)
