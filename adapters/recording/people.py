"""Personal data replaced by invented data of the same form: consistently (one value, one replacement, under a key), validly
(check digits hold, or fail where the original's failed), in raw texts and in what was read from them alike. Pure.

Two steps: `learn` every value that is known to be personal, then `replace` in texts. Beside what was learned, identity
numbers, mobiles, landlines, mail addresses and street addresses are found by their form.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hmac
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Literal

from adapters.recording.names import Kind, looks_like_company, looks_like_person
from schema.errors import IdentifierError
from schema.identifiers import check_resident_id, check_uscc, resident_check_character, uscc_check_character

__all__ = ["People", "Replaced"]

Replaced = Literal[
    "name", "identity number", "company code", "phone", "address", "birth date", "mail", "other number"
]

_PLACES = (
    *(f"5001{number:02d}" for number in range(1, 18)),
    "500151",
    "500152",
    "500153",
    "500229",
    "500235",
)
_FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范"
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉萍红梅建国志文海波晓云飞宇欣雨晨浩博思佳琪瑶子涵梓睿轩诗婷雪莹倩颖"
    "鹏辉斌鑫龙凯旭峰亮宁庆荣春秋冬松柏林森江河湖山川岩石"
)
_LATIN = (
    "Li",
    "Wang",
    "Zhang",
    "Chen",
    "Liu",
    "Yang",
    "Zhao",
    "Wu",
    "Zhou",
    "Xu",
    "Sun",
    "Ma",
    "Lin",
    "He",
    "Gao",
)
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

_PATTERNS = (
    r"(?P<id18>(?<![0-9A-Za-z])[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![0-9A-Za-z]))"
    r"|(?P<id15>(?<![0-9A-Za-z])[1-9]\d{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?![0-9A-Za-z]))"
    r"|(?P<mobile>(?<![0-9A-Za-z.])1[3-9]\d{9}(?![0-9A-Za-z]))"
    r"|(?P<landline>(?<![0-9A-Za-z-])0\d{2,3}-\d{7,8}(?![0-9A-Za-z]))"
    r"|(?P<mail>[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"
    r"|(?P<street>[\u4e00-\u9fff]{1,8}(?:路|街|大道|巷|村)\d{1,5}号(?:[\dA-Za-z-]{1,8}(?:栋|幢|单元|室|楼|层|号)?)*)"
)
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{32,}={0,2}(?![A-Za-z0-9+/=])")
_PLACE = re.compile(r"[省市区县镇乡村街路巷道号栋幢楼室组]")
"""What an address has: `dz` is 地址 in one system and 动作 in another."""
_ROAD = re.compile(r"^.{0,14}?(?:自治县|[区县])")


@dataclass(slots=True)
class People:
    """key: secret bytes; the same key gives the same replacements. keep: texts that stay, as case numbers.

    companies: replace companies' names and codes too; they are public (GB 32100 codes are printed on every invoice).
    """

    key: bytes = field(repr=False)
    keep: frozenset[str] = frozenset()
    companies: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    _known: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    _pattern: re.Pattern[str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError("a key is needed: without one anyone could try all numbers")

    # --- learning ---

    def learn(self, kind: Kind, value: str, *, sure: bool = False) -> None:
        """One value of a field. sure: the field holds nothing else; for names that look like none otherwise."""
        text = value.strip()
        if len(text) < 2 or "*" in text or text in self.keep or text in self._known:
            return
        made = self._made(kind, text, sure=sure)
        if made is not None and made[1] != text:
            self._known[text] = made
            self._pattern = None

    def learned(self) -> dict[str, str]:
        """Value -> what stands for it; of learned values only."""
        return {text: made for text, (_, made) in self._known.items()}

    def _made(self, kind: Kind, text: str, *, sure: bool) -> tuple[str, str] | None:
        match kind:
            case "name":
                if looks_like_company(text):
                    return ("name", self.company(text)) if self.companies else None
                if looks_like_person(text, sure=sure):
                    return "name", self.name(text)
            case "number":
                return self._number(text)
            case "phone" if sum(one.isdigit() for one in text) >= 7:
                return "phone", self.phone(text)
            case "address" if len(text) >= 5 and _PLACE.search(text):
                return "address", self.address(text)
            case "address" if text.isascii() and len(text) >= 6 and " " in text and "://" not in text:
                return "address", self.address(text)
            case "birth":
                return self._birth(text)
            case "account" if sum(one.isdigit() for one in text) >= 8:
                return "other number", self.scrambled(text)
        return None

    def _number(self, text: str) -> tuple[str, str] | None:
        if re.fullmatch(r"\d{17}[\dXx]|\d{15}", text):
            return "identity number", self.resident(text)
        try:
            check_uscc(text)
        except IdentifierError:
            digits = sum(one.isdigit() for one in text)
            return ("other number", self.scrambled(text)) if digits >= 5 and text.isascii() else None
        return ("company code", self.company_code(text)) if self.companies else None

    # --- replacing ---

    def replace(self, text: str) -> str:
        """Every learned value and every one that its form gives away, in one pass, so that nothing is replaced twice.

        Also inside base64 (with gzip) of text; and where JSON or XML write a name by the numbers of its characters.
        """
        if not text:
            return text
        text = _BASE64.sub(self._unpacked, text)
        return self._compiled().sub(self._replacement, text)

    def _compiled(self) -> re.Pattern[str]:
        if self._pattern is None:
            forms = {form for text in self._known for form in _written(text)}
            known = "|".join(_bounded(one) for one in sorted(forms, key=len, reverse=True))
            self._pattern = re.compile(f"(?P<known>{known})|{_PATTERNS}" if known else _PATTERNS)
        return self._pattern

    def _replacement(self, found: re.Match[str]) -> str:
        text, kind = found.group(), str(found.lastgroup)
        if text in self.keep:
            return text
        if kind == "known":
            what, made, form = self._of_form(text)
            self.counts[what] += 1
            return form(made)
        what, made = self._by_form(kind, text)
        if made != text:
            self.counts[what] += 1
        return made

    def _of_form(self, text: str) -> tuple[str, str, Callable[[str], str]]:
        if text in self._known:
            return (*self._known[text], str)
        for known, (what, made) in self._known.items():
            for form, write in _WRITERS:
                if write(known) == text:
                    del form
                    return what, made, write
        return "name", text, str

    def _by_form(self, kind: str, text: str) -> tuple[str, str]:
        match kind:
            case "id18" | "id15":
                try:
                    check_resident_id(text)
                except IdentifierError:
                    return (
                        "identity number",
                        text,
                    )  # only by form, and not even right: a number of something else
                return "identity number", self.resident(text)
            case "mobile" | "landline":
                return "phone", self.phone(text)
            case "mail":
                return "mail", self.mail(text)
            case _:
                return "address", self.address(text)

    def _unpacked(self, found: re.Match[str]) -> str:
        packed = found.group()
        try:
            content = base64.b64decode(packed, validate=True)
            zipped = content[:2] == b"\x1f\x8b"
            content = gzip.decompress(content) if zipped else content
        except (binascii.Error, ValueError, OSError, EOFError):
            return packed
        for charset in ("utf-8", "gb18030"):
            try:
                text = content.decode(charset)
                break
            except UnicodeDecodeError:
                continue
        else:
            return packed
        if not re.search(r"[<{\[\u4e00-\u9fff]", text) or re.search(r"[\x00-\x08]", text):
            return packed
        new = self.replace(text)
        if new == text:
            return packed
        content = new.encode(charset)
        return base64.b64encode(gzip.compress(content, mtime=0) if zipped else content).decode("ascii")

    # --- values ---

    def _draw(self, kind: str, text: str, round_: int = 0) -> int:
        message = f"{kind}\x1f{text}\x1f{round_}".encode()
        return int.from_bytes(hmac.new(self.key, message, sha256).digest()[:16], "big")

    def name(self, text: str) -> str:
        """As many characters as the original; of Latin letters as many words."""
        for round_ in range(20):
            drawn = self._draw("name", text, round_)
            if text.isascii():
                words = text.split()
                made = " ".join(_LATIN[(drawn >> 8 * place) % len(_LATIN)] for place in range(len(words)))
            else:
                made = _FAMILY[drawn % len(_FAMILY)]
                for place in range(1, len(text)):
                    drawn, picked = divmod(drawn // 64, len(_GIVEN))
                    made += _GIVEN[picked] if text[place] != "·" else "·"
            if made != text:
                return made
        return made

    def company(self, text: str) -> str:
        drawn = self._draw("company", text)
        stem = "".join(_GIVEN[(drawn >> 8 * place) % len(_GIVEN)] for place in range(2))
        ending = re.search(r"(?:有限责任公司|有限公司|公司|中心|学校|医院|合作社|[\u4e00-\u9fff]{2})$", text)
        return f"某{stem}{ending.group() if ending else '公司'}"

    def resident(self, number: str) -> str:
        """A number of 18 or 15 characters. One person's two forms stay one person's; a wrong check stays wrong."""
        text = number.upper()
        if len(text) == 15:
            body = f"{text[:6]}19{text[6:]}"
            whole = self.resident(body + resident_check_character(body))
            return whole[:6] + whole[8:17]
        is_right = resident_check_character(text[:17]) == text[17]
        born = self._moved(text[6:14])
        for round_ in range(200):
            drawn = self._draw("resident", text[:17], round_)
            serial = drawn % 1000 // 2 * 2 + int(text[16]) % 2  # odd for men, even for women
            body = f"{_PLACES[(drawn >> 32) % len(_PLACES)]}{born}{serial:03d}"
            check = resident_check_character(body)
            if not is_right:
                check = "X" if text[17] == "X" and check != "X" else "0" if check != "0" else "1"
            # X stays X: a JSON number must stay one
            if (check == "X") == (text[17] == "X") and body != text[:17]:
                return body + (check.lower() if number[-1] == "x" else check)
        raise AssertionError("one of 11 checks is an X")  # pragma: no cover

    def _moved(self, born: str) -> str:
        """Another day of the same year, so that rules about ages hold; what is no date stays."""
        try:
            day = date(int(born[:4]), int(born[4:6]), int(born[6:8]))
        except ValueError:
            return born
        days = (date(day.year, 12, 31) - date(day.year, 1, 1)).days
        return f"{date(day.year, 1, 1) + timedelta(days=self._draw('birth', born) % days):%Y%m%d}"

    def _birth(self, text: str) -> tuple[str, str] | None:
        """Moves as the date inside the identity number does. In whatever way year, month and day are separated."""
        found = re.match(r"((?:18|19|20)\d{2})(\D?)(\d{2})(\D?)(\d{2})(?!\d)", text)
        if found is None:
            return None
        born = self._moved(found[1] + found[3] + found[5])
        return "birth date", born[:4] + found[2] + born[4:6] + found[4] + born[6:] + text[found.end() :]

    def company_code(self, code: str) -> str:
        drawn = self._draw("uscc", code)
        body = code[:8].upper() + "".join(_USCC_ALPHABET[(drawn >> 8 * place) % 31] for place in range(9))
        return body + uscc_check_character(body)

    def phone(self, text: str) -> str:
        """The first three digits stay, separators too."""
        digits = "".join(one for one in text if one.isdigit())
        drawn = self._draw("phone", digits[-11:])
        kept = max(len(digits) - 8, 3)
        seen = 0
        made = ""
        for one in text:
            seen += one.isdigit()
            if one.isdigit() and seen > kept:
                drawn, picked = divmod(drawn, 10)
                made += str(picked)
            else:
                made += one
        return made

    def address(self, text: str) -> str:
        """The division at its beginning stays; street, number and room are invented."""
        drawn = self._draw("address", text)
        if text.isascii():
            return f"{drawn % 199 + 1} Example Road"
        place = _ROAD.match(text)
        room = f"{(drawn >> 16) % 30 + 1}-{(drawn >> 24) % 8 + 1}"
        return f"{place.group() if place else ''}示例路{drawn % 899 + 100}号{room}"

    def mail(self, text: str) -> str:
        return f"person{self._draw('mail', text.lower()) % 10**8:08d}@mail.example"

    def scrambled(self, text: str) -> str:
        """Digits become digits, letters letters."""
        drawn = self._draw("number", text.upper())
        made = []
        for one in text:
            drawn, picked = divmod(drawn, 26)
            if one.isdigit():
                made.append(str(picked % 10))
            elif one.isascii() and one.isalpha():
                made.append(chr((ord("A") if one.isupper() else ord("a")) + picked))
            else:
                made.append(one)
        return "".join(made)


def _json_form(text: str) -> str:
    return json.dumps(text)[1:-1]


def _decimal_form(text: str) -> str:
    return "".join(one if one.isascii() else f"&#{ord(one)};" for one in text)


def _hex_form(text: str) -> str:
    return "".join(one if one.isascii() else f"&#x{ord(one):x};" for one in text)


def _upper_hex_form(text: str) -> str:
    return "".join(one if one.isascii() else f"&#x{ord(one):X};" for one in text)


_WRITERS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("json", _json_form),
    ("decimal", _decimal_form),
    ("hex", _hex_form),
    ("HEX", _upper_hex_form),
)


def _written(text: str) -> Iterable[str]:
    return {text} if text.isascii() else {text, *(write(text) for _, write in _WRITERS)}


def _bounded(text: str) -> str:
    """Numbers are not replaced inside longer ones, nor Latin names inside words."""
    return rf"(?<![0-9A-Za-z]){re.escape(text)}(?![0-9A-Za-z])" if text.isascii() else re.escape(text)
