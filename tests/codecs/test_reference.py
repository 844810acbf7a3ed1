"""docs/reference/codecs.md says what the models say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from adapters.codecs import model, sign_model
from adapters.codecs.model import Decode, Encode
from adapters.codecs.sign_model import CodecModel, RequestSign

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "codecs.md").read_text(encoding="utf-8")
MODELS = {
    one.__name__: one
    for module in (model, sign_model)
    for one in vars(module).values()
    if isinstance(one, type) and issubclass(one, CodecModel) and one is not CodecModel
}


@pytest.mark.parametrize("name", MODELS)
def test_every_key_has_its_row_and_no_other(name: str) -> None:
    found = re.search(rf"^### {name}$(.*?)(?=^### |\Z)", PAGE, re.M | re.S)
    assert found is not None
    rows = re.findall(r"^\| `(\w+)` \|", found[1], re.M)
    assert rows == [info.alias or key for key, info in MODELS[name].model_fields.items()]


def test_the_examples_hold() -> None:
    examples = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)]
    kinds: dict[str, type[CodecModel]] = {"decode": Decode, "encode": Encode}
    for example in examples:
        for name, value in example.items():
            for one in value if isinstance(value, list) else [value]:
                kinds.get(name, RequestSign).model_validate(one)
    assert len(examples) == 3
