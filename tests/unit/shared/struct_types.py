"""Every Struct of the messages and projections, taken apart into its fields' constraints."""

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect as types

from psi.shared import messages, projection
from psi.shared.messages.base import Message


class Leaf(NamedTuple):
    """A type somewhere in a field of a struct."""

    place: str
    """``StructName.field``, with ``[]`` for each step into a container."""
    kind: types.Type


def message_modules() -> tuple[ModuleType, ...]:
    """Return every module of shared/messages, those that are yet to be written too."""
    found = pkgutil.iter_modules(messages.__path__, messages.__name__ + ".")
    return tuple(import_module(each.name) for each in found)


def structs_of(*modules: ModuleType) -> tuple[type[msgspec.Struct], ...]:
    """Return the struct types that are defined in the modules."""
    return tuple(
        member
        for module in modules
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, msgspec.Struct) and member.__module__ == module.__name__
    )


MESSAGE_STRUCTS = structs_of(*message_modules())
ALL_STRUCTS = (*MESSAGE_STRUCTS, *structs_of(projection))
CONCRETE = tuple(
    each
    for each in MESSAGE_STRUCTS
    if not any(issubclass(other, each) for other in MESSAGE_STRUCTS if other is not each)
)
"""Without the classes that only others derive from."""
MESSAGES = tuple(each for each in MESSAGE_STRUCTS if issubclass(each, Message))


def fields_of(struct: type[msgspec.Struct]) -> tuple[types.Field, ...]:
    """Return a struct's fields."""
    info = types.type_info(struct)
    assert isinstance(info, types.StructType)
    return info.fields


def leaves(struct: type[msgspec.Struct]) -> Iterator[Leaf]:
    """Yield every type inside a struct's fields; structs in them are visited by themselves."""
    for field in fields_of(struct):
        yield from _below(f"{struct.__name__}.{field.name}", field.type)


def _below(place: str, kind: types.Type) -> Iterator[Leaf]:
    match kind:
        case types.Metadata():
            yield from _below(place, kind.type)
            return
        case types.UnionType():
            for member in kind.types:
                yield from _below(place, member)
            return
    yield Leaf(place, kind)
    match kind:
        case types.CollectionType():
            yield from _below(f"{place}[]", kind.item_type)
        case types.DictType():
            yield from _below(f"{place}[key]", kind.key_type)
            yield from _below(f"{place}[]", kind.value_type)


def all_leaves(*wanted: type[Any]) -> list[Leaf]:
    """Return the leaves of these kinds in all structs."""
    return [leaf for each in ALL_STRUCTS for leaf in leaves(each) if isinstance(leaf.kind, wanted)]
