"""Results of the measurement core as plain data, for JSON, whatever their type."""

import math
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from functools import cached_property
from typing import Any

import numpy as np


def plain(value: Any, *, leave: Collection[str] = ()) -> Any:
    """Turn a result into dicts, lists, numbers and text.

    Parameters
    ----------
    value : object
        Dataclasses become objects of their attributes, properties that are mappings among them;
        NaN and infinity become None, which JSON has a word for.
    leave : collection of str
        Attributes to pass over. Arrays of an object that gives the same by label are passed over too.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset | range):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return _attributes(value, leave)
    return str(value)


def _attributes(value: Any, leave: Collection[str]) -> dict[str, Any]:
    named = {
        name
        for name, kind in vars(type(value)).items()
        if isinstance(kind, property | cached_property) and not name.startswith("_")
    }
    derived = {name: getattr(value, name) for name in sorted(named - set(leave))}
    derived = {
        name: item for name, item in derived.items() if isinstance(item, Mapping | float | int)
    }
    by_label = any(isinstance(item, Mapping) for item in derived.values())
    attributes = {}
    for field in fields(value):
        item = getattr(value, field.name)
        if field.name in leave or field.name.startswith("_"):
            continue
        if by_label and isinstance(item, np.ndarray):
            continue
        attributes[field.name] = plain(item)
    return attributes | {name: plain(item) for name, item in derived.items()}
