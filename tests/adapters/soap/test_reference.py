"""docs/reference/dialects.md names tests that there are."""

from __future__ import annotations

import re

from tests.test_docs import REFERENCE, ROOT, text_of

ROW = re.compile(r"`([\w/]+\.py)`(?:: ((?:`test_\w+`(?:, )?)+))?")


def test_every_test_that_the_table_of_dialects_names_is_there() -> None:
    named = 0
    file = ""
    for line in text_of(REFERENCE / "dialects.md").splitlines():
        if "the same" in line:
            continue
        for path, tests in ROW.findall(line):
            file = path
            text = text_of(ROOT / "tests" / file)
            for test in re.findall(r"`(test_\w+)`", tests):
                assert f"def {test}(" in text, (file, test)
                named += 1
    assert named > 20
