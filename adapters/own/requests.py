"""What the request of an own field sends: names below `$args`, `$this` and `$batch`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from adapters.declaration import OwnField
from adapters.mapping.errors import ExpressionError
from adapters.mapping.expression import Path
from adapters.mapping.template import template_expressions, template_paths

__all__ = ["needs_of", "sent_names", "sent_paths"]

_HOLE = re.compile(r"\{([^{}]*)\}")


def sent_paths(connector: OwnField) -> Iterator[Path]:
    """Paths of every expression of the request; those that cannot be read are passed over, their check tells."""
    trees = (connector.query, connector.headers, connector.body, connector.form, connector.variables)
    texts = [text for tree in trees for _, text in template_expressions(tree)]
    for text in [*texts, *_HOLE.findall(connector.path)]:
        try:
            yield from template_paths([text])
        except ExpressionError:
            continue


def sent_names(connector: OwnField, root: str) -> frozenset[str]:
    """First names below one root; "" for the root as a whole."""
    return frozenset(
        str(path.steps[0]) if path.steps else "" for path in sent_paths(connector) if path.root == root
    )


def needs_of(connector: OwnField) -> frozenset[str]:
    """Names of the object that the field stands in, without which it cannot be asked for."""
    keys = frozenset(connector.batch.key) if connector.batch is not None else frozenset[str]()
    return (sent_names(connector, "this") | keys) - {""}
