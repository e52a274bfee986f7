"""Input checks that refuse as Zod does: all issues of one request in one 422."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.infisical.errors import validation_failure

Path = tuple[str | int, ...]


def type_name(value: Any) -> str:
    """Return Zod's name of a value's type."""
    names: dict[type, str] = {
        bool: "boolean",
        int: "number",
        float: "number",
        str: "string",
        list: "array",
        dict: "object",
        type(None): "null",
    }
    return names[type(value)]


def invalid_type(expected: str, received: str, path: Path) -> dict[str, Any]:
    """Return the issue for a value of the wrong type or a missing one."""
    missing = received == "undefined"
    message = "Required" if missing else f"Expected {expected}, received {received}"
    return {
        "code": "invalid_type",
        "expected": expected,
        "received": received,
        "path": list(path),
        "message": message,
    }


def custom(message: str, path: Path) -> dict[str, Any]:
    """Return the issue of a refinement."""
    return {"code": "custom", "message": message, "path": list(path)}


def invalid_enum(options: list[str], received: Any, path: Path) -> dict[str, Any]:
    """Return the issue for a string outside its enumeration."""
    choices = " | ".join(f"'{option}'" for option in options)
    return {
        "received": received,
        "code": "invalid_enum_value",
        "options": options,
        "path": list(path),
        "message": f"Invalid enum value. Expected {choices}, received '{received}'",
    }


class Fields:
    """Reads named fields of one object and gathers what is wrong with them."""

    def __init__(self, source: Any, prefix: Path = (), issues: list[Any] | None = None) -> None:
        self.issues: list[dict[str, Any]] = [] if issues is None else issues
        self.prefix = prefix
        if isinstance(source, Mapping):
            self.source: Mapping[str, Any] = source
        else:
            self.source = {}
            self.issues.append(invalid_type("object", type_name(source), prefix))
            self.finish()

    def value(self, name: str, expected: str, *, required: bool) -> Any:
        """Return a field of a type, or None when it is missing or was complained about."""
        if name not in self.source:
            if required:
                self.issues.append(invalid_type(expected, "undefined", (*self.prefix, name)))
            return None
        found = self.source[name]
        if type_name(found) != expected:
            self.issues.append(invalid_type(expected, type_name(found), (*self.prefix, name)))
            return None
        return found

    def text(self, name: str, check: Callable[[str], str | None] | None = None) -> str:
        """Return a required string; `check` gives a refinement's message or None."""
        found = self.value(name, "string", required=True)
        problem = check(found) if check is not None and found is not None else None
        if problem is not None:
            self.issues.append(custom(problem, (*self.prefix, name)))
        return found if isinstance(found, str) else ""

    def optional(self, name: str) -> str | None:
        """Return an optional string."""
        found = self.value(name, "string", required=False)
        return found if isinstance(found, str) else None

    def choice(self, name: str, options: list[str], default: str) -> str:
        """Return a string of an enumeration."""
        found = self.source.get(name, default)
        if found not in options:
            self.issues.append(invalid_enum(options, found, (*self.prefix, name)))
        return str(found)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a query flag: the strings `true` and `false`, nothing else."""
        return self.choice(name, ["true", "false"], "true" if default else "false") == "true"

    def loose_flag(self, name: str, *, default: bool) -> bool:
        """Return a query flag of the folder routes, which take `True` and `FALSE` too."""
        text = self.text(name) if name in self.source else str(default)
        if text.lower() not in ("true", "false"):
            self.issues.append(custom("Must be true or false", (*self.prefix, name)))
        return text.lower() == "true"

    def items(self, name: str) -> list["Fields"]:
        """Return the objects of a required array with at least one element."""
        found = self.value(name, "array", required=True)
        if found == []:
            self.issues.append(
                {
                    "code": "too_small",
                    "minimum": 1,
                    "type": "array",
                    "inclusive": True,
                    "exact": False,
                    "message": "Array must contain at least 1 element(s)",
                    "path": [*self.prefix, name],
                }
            )
        return [
            Fields(entry, (*self.prefix, name, index), self.issues)
            for index, entry in enumerate(found or [])
        ]

    def finish(self) -> None:
        """Refuse the request if anything was wrong with it.

        Raises:
            ApiError: 422 with all issues.

        """
        if self.issues:
            raise validation_failure(self.issues)
