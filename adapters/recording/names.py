"""Which names of fields hold what about a person, and what a person's name looks like. Tables and rules; pure.

Names of fields are compared in small letters without separators: `ApplicantName`, `applicant_name` and `applicantname`
are one. Pinyin initials 拼音首字母 are what systems of the time are full of.
"""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["Kind", "is_sure_name", "kind_of_field", "looks_like_company", "looks_like_person"]

Kind = Literal["name", "number", "phone", "address", "birth", "account"]

_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪"
    "范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍"
    "庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳欧阳"
    "管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟"
    "邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
)
_NOT_NAMES = re.compile(
    r"(?:公司|中心|学校|医院|银行|集团|协会|委员会|事务所|合作社|[局厅委处科部室所队站院厂店行社会团系统窗口平台服务管理人员审核受理办理]|许可|登记|备案)$"
)
_COMPANY = re.compile(
    r"(?:公司|中心|学校|医院|银行|集团|协会|委员会|事务所|合作社|政府|[局厅厂店院社所行]|Ltd\.?|Inc\.?|GmbH|Co\.)$"
)
_HAN_NAME = re.compile(r"[\u4e00-\u9fff]{2,4}|[\u4e00-\u9fff]{2,8}·[\u4e00-\u9fff]{2,8}")
_LATIN_NAME = re.compile(r"[A-Z][A-Za-z'-]+(?:,? [A-Z][A-Za-z'.-]*){1,3}")

_SURE_NAMES = frozenset(
    [
        "xm",
        "sqrxm",
        "lxrxm",
        "jbrxm",
        "blrxm",
        "frxm",
        "dbrxm",
        "姓名",
        "申请人姓名",
        "联系人姓名",
        "realname",
        "fullname",
        "firstname",
        "lastname",
        "surname",
        "personname",
        "applicantname",
        "contactname",
        "legalname",
        "legalman",
        "agentname",
        "ownername",
        "holdername",
        "reportername",
    ]
)
_NAMES = frozenset(
    [
        "sqr",
        "sqrmc",
        "lxr",
        "jbr",
        "blr",
        "shr",
        "spr",
        "fr",
        "frdb",
        "fddbr",
        "fzr",
        "dbr",
        "dlr",
        "applicant",
        "contact",
        "contactperson",
        "linkman",
        "handler",
        "handlername",
        "operator",
        "operatorname",
        "officer",
        "actor",
        "legalperson",
        "legalrepresentative",
        "chief",
        "holder",
        "reporter",
        "agent",
        "owner",
        "username",
        "申请人",
        "联系人",
        "经办人",
        "办理人",
        "法定代表人",
        "法人",
        "代理人",
        "负责人",
        "审批人",
    ]
)
_PEOPLE = (
    "applicant",
    "holder",
    "person",
    "contact",
    "citizen",
    "owner",
    "reporter",
    "agent",
    "申请人",
    "sqr",
)
_PHONES = frozenset(
    [
        "sjh",
        "sjhm",
        "lxdh",
        "dh",
        "dhhm",
        "yddh",
        "gddh",
        "电话",
        "手机",
        "手机号",
        "联系电话",
        "mobile",
        "tel",
        "cellphone",
    ]
)
_ADDRESSES = frozenset(
    [
        "dz",
        "zz",
        "txdz",
        "lxdz",
        "jtzz",
        "jzdz",
        "hjdz",
        "zcdz",
        "xxdz",
        "地址",
        "住址",
        "联系地址",
        "addr",
        "street",
    ]
)
_BIRTHS = frozenset(["csrq", "sr", "出生日期", "birth", "birthday", "birthdate", "dateofbirth", "dob"])
_NUMBERS = frozenset(
    [
        "sfz",
        "sfzh",
        "sfzhm",
        "zjh",
        "zjhm",
        "zjbh",
        "身份证号",
        "证件号码",
        "certno",
        "certnumber",
        "idno",
        "idnumber",
        "idcard",
        "idcardno",
        "identityno",
        "identitynumber",
        "cardno",
        "passport",
        "passportno",
        "documentnumber",
        "holdernumber",
        "applicantid",
        "reporterid",
    ]
)
_ACCOUNTS = frozenset(["yhzh", "zh", "bankaccount", "accountno", "bankcard", "iban", "银行账号"])


def kind_of_field(path: tuple[str, ...]) -> Kind | None:
    """path: names of fields from the root; the last one is asked about, those before it say whose it is."""
    name = _plain(path[-1]) if path else ""
    around = _plain(path[-2]) if len(path) > 1 else ""
    if name in _SURE_NAMES or name in _NAMES or (name == "name" and any(one in around for one in _PEOPLE)):
        return "name"
    if name in _PHONES or "phone" in name or "mobile" in name or name.endswith("tel"):
        return "phone"
    if name in _ADDRESSES or (name.endswith("address") and "mail" not in name and "ip" not in name[:3]):
        return "address"
    if name in _BIRTHS:
        return "birth"
    if name in _NUMBERS or (name == "number" and around in ("document", "identity", "certificate")):
        return "number"
    return "account" if name in _ACCOUNTS else None


def is_sure_name(path: tuple[str, ...]) -> bool:
    """Fields that hold nothing but people's names, so that rare surnames are taken too."""
    return bool(path) and _plain(path[-1]) in _SURE_NAMES


def looks_like_person(text: str, *, sure: bool = False) -> bool:
    """陈某, 欧阳某某, Zhang San; not 审核科, 系统. sure: the field says it is a name."""
    if _NOT_NAMES.search(text) or looks_like_company(text):
        return False
    if _LATIN_NAME.fullmatch(text):
        return True
    return bool(_HAN_NAME.fullmatch(text)) and (sure or "·" in text or text[0] in _SURNAMES)


def looks_like_company(text: str) -> bool:
    return len(text) > 4 and bool(_COMPANY.search(text))


def _plain(name: str) -> str:
    return "".join(one for one in name.lower() if one.isalnum())
