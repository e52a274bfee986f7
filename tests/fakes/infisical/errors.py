"""Refusals in the shapes that Infisical's error handler gives them."""

from typing import Any

from tests.fakes.infisical.ids import request_id

MALFORMED_TOKEN = (
    "The provided access token is malformed. "
    "Please use a valid token or generate a new one and try again."
)
EXPIRED_TOKEN = "Your token has expired. Please re-authenticate."
REVOKED_TOKEN = "Failed to authorize: token has been revoked"
LOCKED = "This identity auth method is temporarily locked, please try again later"
IP_REFUSED = "You are not allowed to access this resource from the current IP address"


class ApiError(Exception):
    """A refusal: status, `error` name, `message` (an array for 422) and optional details.

    `closes` is for bodies that could not be read: the server closes the connection then.
    """

    def __init__(
        self,
        status: int,
        error: str,
        message: str | list[dict[str, Any]],
        details: list[Any] | None = None,
        *,
        closes: bool = False,
    ) -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.error = error
        self.message = message
        self.details = details
        self.closes = closes

    def body(self) -> dict[str, Any]:
        """Return the JSON body with a fresh `reqId`."""
        body: dict[str, Any] = {
            "reqId": request_id(),
            "statusCode": self.status,
            "message": self.message,
        }
        if self.details is not None:
            body["details"] = self.details
        return body | {"error": self.error}


def bad_request(message: str) -> ApiError:
    """Refuse for a business rule."""
    return ApiError(400, "BadRequest", message)


def unauthorized(message: str) -> ApiError:
    """Refuse a credential or a token that is known but no longer good."""
    return ApiError(401, "UnauthorizedError", message)


def token_error(message: str) -> ApiError:
    """Refuse a token that cannot be verified."""
    return ApiError(403, "TokenError", message)


def permission_denied(action: str, subject: str) -> ApiError:
    """Refuse for the role."""
    return ApiError(
        403, "PermissionDenied", f"You are not allowed to {action} on {subject}", details=[]
    )


def not_a_member(project_id: str) -> ApiError:
    """Refuse an identity that has no membership."""
    return ApiError(
        403,
        "ProjectMembershipNotFound",
        f"You are not a member of this project with ID {project_id}. Please assign this identity "
        "to the project with the appropriate permissions, then try again.",
    )


def not_found(message: str, error: str = "NotFound") -> ApiError:
    """Refuse what is not there."""
    return ApiError(404, error, message)


def folder_not_found(environment: str, path: str, error: str) -> ApiError:
    """Refuse a folder that is not there; `error` is named for the calling operation."""
    return not_found(
        f"Folder with path '{path}' in environment with slug '{environment}' not found", error
    )


def validation_failure(issues: list[dict[str, Any]]) -> ApiError:
    """Refuse input that the schema does not take: `message` is the array of Zod issues."""
    return ApiError(422, "ValidationFailure", issues)


def rate_limited(seconds: int) -> ApiError:
    """Refuse for the rate limit."""
    return ApiError(
        429, "RateLimitExceeded", f"Rate limit exceeded. Please try again in {seconds} seconds"
    )


def went_wrong() -> ApiError:
    """Fail the way the server does for anything that its error handler does not know."""
    return ApiError(500, "InternalServerError", "Something went wrong")


def database_error(operation: str) -> ApiError:
    """Fail the way the server does when its database refuses a query, which the error names."""
    return ApiError(500, operation, "Something went wrong")


def unreadable_body() -> ApiError:
    """Fail on a body that is too large or does not parse: 500, and the connection is closed."""
    return ApiError(500, "InternalServerError", "Something went wrong", closes=True)


def unknown_route(method: str, target: str) -> dict[str, Any]:
    """Return the framework's own 404 body, which has no `reqId`."""
    return {
        "message": f"Route {method}:{target} not found",
        "error": "Not Found",
        "statusCode": 404,
    }
