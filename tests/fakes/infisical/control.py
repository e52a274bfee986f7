"""The control API under `/__control__/`: what tests do to the server, and what they read back."""

import json
from collections.abc import Callable
from typing import Any

from tests.fakes.infisical import seeding
from tests.fakes.infisical.certificates.control import ACTIONS as CERTIFICATE_ACTIONS
from tests.fakes.infisical.folders import normal_path
from tests.fakes.infisical.messages import Request, Response, json_response
from tests.fakes.infisical.model import Identity, Project
from tests.fakes.infisical.ratelimit import DEFAULT_LIMITS
from tests.fakes.infisical.state import State

PREFIX = "/__control__/"

Action = Callable[[State, dict[str, Any]], Any]


def control(request: Request, state: State) -> Response:
    """Answer one control request; a bad one gets 400 with the reason."""
    name = request.path.removeprefix(PREFIX)
    action = _ACTIONS.get((request.method, name))
    if action is None:
        return json_response({"error": f"no control {request.method} {name}"}, 404)
    try:
        body = json.loads(request.body) if request.body else {}
        return json_response(action(state, body))
    except (ValueError, KeyError, TypeError) as error:
        return json_response({"error": f"{type(error).__name__}: {error}"}, 400)


def _project(state: State, body: dict[str, Any]) -> Project:
    project = state.project_named(body["project"])
    if project is None:
        raise ValueError(f"no project {body['project']!r}")
    return project


def _identity(state: State, body: dict[str, Any]) -> Identity:
    identity = state.identities.get(body["client_id"])
    if identity is None:
        raise ValueError(f"no identity {body['client_id']!r}")
    return identity


def _requests(state: State, _: dict[str, Any]) -> Any:
    return {"requests": state.log.to_list()}


def _bodies(state: State, _: dict[str, Any]) -> Any:
    return {"bodies": state.log.bodies()}


def _clear_requests(state: State, _: dict[str, Any]) -> Any:
    state.log.clear()
    return {}


def _counters(state: State, _: dict[str, Any]) -> Any:
    return {"counters": state.log.counters()}


def _secret(state: State, body: dict[str, Any]) -> Any:
    """Set a secret past all rules for writing, or delete it when `value` is null."""
    project, now = _project(state, body), state.clock.stamp()
    if body["value"] is not None:
        return {"version": seeding.put_secret(project, body, now).version}
    folder = project.folder(body["environment"], normal_path(body.get("path", "/")))
    key = seeding.text_of(body["key"])
    if folder is None or key not in folder.secrets:
        raise ValueError(f"no secret {key!r}")
    del folder.secrets[key]
    folder.last_secret_modified = now
    return {}


def _folder(state: State, body: dict[str, Any]) -> Any:
    """Delete a folder with all below it."""
    environment = _project(state, body).environments[body["environment"]]
    path = normal_path(body["path"])
    gone = [one for one in environment.folders if one == path or one.startswith(path + "/")]
    for one in gone:
        del environment.folders[one]
    return {"deleted": len(gone)}


def _change_project(state: State, body: dict[str, Any]) -> Any:
    project = _project(state, body)
    project.kms_certificate_key_id = body["kms_certificate_key_id"]
    return {}


def _member(state: State, body: dict[str, Any]) -> Any:
    project = _project(state, body)
    project.members[_identity(state, body).client_id] = seeding.known_role(body["role"])
    return {}


def _change_identity(state: State, body: dict[str, Any]) -> Any:
    """Change an identity; a new client secret ends the tokens that the old one got."""
    identity = _identity(state, body)
    for name in ("role", "ttl", "max_ttl", "uses_limit", "token_uses_limit", "auth"):
        setattr(identity, name, body.get(name, getattr(identity, name)))
    seeding.known_role(identity.role)
    if "client_secret" in body:
        identity.client_secret = body["client_secret"]
        state.tokens.revoke_all(identity)
    if body.get("unlock"):
        identity.failures, identity.locked_until = 0, 0.0
    return {}


def _revoke(state: State, body: dict[str, Any]) -> Any:
    """Revoke one token family by `jti`, or all of an identity by `client_id`."""
    if "jti" in body:
        state.tokens.revoke(body["jti"])
        return {"revoked": 1}
    return {"revoked": state.tokens.revoke_all(_identity(state, body))}


def _clock(state: State, body: dict[str, Any]) -> Any:
    """Move the clock to `offset` seconds from the wall time; `frozen` stops it or lets it run."""
    clock = state.clock
    clock.offset = float(body.get("offset", clock.offset))
    if "frozen" in body:
        clock.freeze(frozen=bool(body["frozen"]))
    return {"offset": clock.offset, "now": clock.now(), "frozen": clock.is_frozen}


def _ratelimit(state: State, body: dict[str, Any]) -> Any:
    limits: dict[str, int] = {name: int(body[name]) for name in DEFAULT_LIMITS if name in body}
    state.limiter.configure(enabled=bool(body.get("enabled", True)), limits=limits)
    return {"enabled": state.limiter.enabled} | state.limiter.limits


def _faults(state: State, _: dict[str, Any]) -> Any:
    return {"faults": [rule.to_dict() for rule in state.faults.rules]}


def _add_fault(state: State, body: dict[str, Any]) -> Any:
    state.faults.add(body)
    return _faults(state, body)


def _clear_faults(state: State, _: dict[str, Any]) -> Any:
    state.faults.clear()
    return {}


def _held(state: State, _: dict[str, Any]) -> Any:
    return {"held": state.faults.held}


def _release(state: State, _: dict[str, Any]) -> Any:
    return {"released": state.faults.release()}


_ACTIONS: dict[tuple[str, str], Action] = {
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _clear_requests,
    ("GET", "bodies"): _bodies,
    ("GET", "counters"): _counters,
    ("POST", "secret"): _secret,
    ("DELETE", "folder"): _folder,
    ("POST", "project"): _change_project,
    ("POST", "member"): _member,
    ("POST", "identity"): _change_identity,
    ("POST", "revoke"): _revoke,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _clock,
    ("POST", "ratelimit"): _ratelimit,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "release"): _held,
    ("POST", "release"): _release,
    **CERTIFICATE_ACTIONS,
}
