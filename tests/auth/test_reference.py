"""docs/reference/authentication.md says what the models say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from adapters.auth import model
from adapters.auth.model import Auth, AuthModel
from adapters.auth.wss import model as wss_model
from adapters.auth.wss.model import SoapSecurity

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "authentication.md").read_text(encoding="utf-8")
MODELS = {
    one.__name__: one
    for module in (model, wss_model)
    for one in vars(module).values()
    if isinstance(one, type) and issubclass(one, AuthModel) and one is not AuthModel
}


@pytest.mark.parametrize("name", MODELS)
def test_every_key_has_its_row_and_no_other(name: str) -> None:
    found = re.search(rf"^### {name}$(.*?)(?=^### |\Z)", PAGE, re.M | re.S)
    assert found is not None
    rows = re.findall(r"^\| `(\w+)` \|", found[1], re.M)
    assert rows == [info.alias or key for key, info in MODELS[name].model_fields.items()]


def test_the_examples_hold() -> None:
    kinds: dict[str, type[BaseModel]] = {"auth": Auth, "security": SoapSecurity}
    examples = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)]
    for example in examples:
        for name, value in example.items():
            kinds[name].model_validate(value)
    assert len(examples) == 3
