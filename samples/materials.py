"""Submission materials 申报材料 of an item: the standard set, two to five each. Pure; used by `build_data`."""

from __future__ import annotations

__all__ = ["materials_of"]

_OWN: dict[str, tuple[str, ...]] = {
    "500128001000": ("质量保证金存入证明", "导游人员聘用合同"),
    "500124001000": ("电梯产品合格证及监督检验证明", "使用安全管理制度"),
    "502024001000": ("特种设备使用登记证",),
    "500116001000": ("车货总体外廓尺寸轮廓图", "车辆行驶证", "护送方案"),
    "500101001000": ("项目申请报告", "选址意见书", "用地预审意见"),
    "501001001000": ("项目备案承诺书",),
    "500101002000": ("节能报告",),
    "500114001000": ("建设项目选址论证报告", "现状地形图"),
    "500114002000": ("建设用地批准文件", "用地红线图"),
    "500114003000": ("建设工程设计方案", "国有土地使用权证"),
    "500117001000": ("水土保持方案报告书",),
    "500117002000": ("水资源论证报告书", "第三方承诺书"),
    "500123001000": ("公司章程", "住所使用证明", "股东主体资格证明"),
    "500123002000": ("经营场所证明",),
    "500107001000": ("章程草案", "验资报告", "会员名单"),
    "500707001000": ("户口簿", "双方近期合影照片"),
    "500507001000": ("家庭经济状况声明", "家庭成员身份证明"),
    "500507002000": ("本人银行账户复印件",),
    "501006001000": ("居民户口簿",),
    "500106001000": ("消防设计文件", "建设工程规划许可证"),
    "500110001000": ("劳务派遣协议样本", "经营场所使用证明", "验资报告"),
    "502010001000": ("近期免冠照片",),
    "500116002000": ("车辆技术等级证明", "从业人员资格证"),
    "500116003000": ("机动车驾驶证", "无重大交通责任事故证明"),
    "500102001000": ("举办者资格证明", "校舍产权或租赁证明", "学校章程"),
    "500125001000": ("经营场所布局平面图", "从业人员健康证明"),
}
_BY_PROCEDURE = {
    "SITE_VISIT": "场所平面图及使用权证明",
    "EXPERT_REVIEW": "技术评审报告",
    "JOINT_DRAWING_REVIEW": "全套施工图设计文件",
    "PUBLIC_NOTICE": "公示情况说明",
    "INSPECTION_TEST": "检验检测报告",
    "EXAM": "考试成绩合格证明",
    "HEARING": "利害关系人意见书",
}
_OFFICIAL = ("立案（检查）审批表", "证据材料清单")
_ELECTRONIC = ("报告", "图", "文件", "方案")
_FROM_GOVERNMENT = ("许可证", "意见书", "登记证", "户口簿", "行驶证", "驾驶证")


def materials_of(item: dict[str, str]) -> list[dict[str, str]]:
    """Rows of a service item (a row of service_items.csv): name, requirement, form, copies, source."""
    if item["power_type"] in {"PENALTY", "COERCION", "LEVY", "INSPECTION"}:
        return [_row(name, "REQUIRED", "PAPER", "1", "GOVERNMENT") for name in _OFFICIAL]
    identity = (
        "营业执照（统一社会信用代码证）"
        if item["service_object"].startswith("LEGAL")
        else "申请人有效身份证件"
    )
    rows = [
        _row(f"{item['name'].split('（')[0]}申请表", "REQUIRED", "BOTH", "2", "APPLICANT"),
        _row(identity, "REQUIRED", "ELECTRONIC", "1", "GOVERNMENT"),
    ]
    rows += [_classified(name) for name in _OWN.get(item["base_code"], ())]
    procedure = next(
        (_BY_PROCEDURE[p] for p in item["special_procedures"].split(";") if p in _BY_PROCEDURE), None
    )
    if procedure and len(rows) < 4:
        rows.append(_row(procedure, "ON_DEFECT", "ELECTRONIC", "1", "INTERMEDIARY"))
    if len(rows) < 4 and "NATURAL" not in item["service_object"]:
        rows.append(_row("授权委托书及经办人身份证明", "OPTIONAL", "BOTH", "1", "APPLICANT"))
    return rows[:5]


def _classified(name: str) -> dict[str, str]:
    form = "ELECTRONIC" if name.endswith(_ELECTRONIC) else "BOTH"
    source = "GOVERNMENT" if name.endswith(_FROM_GOVERNMENT) else "APPLICANT"
    return _row(name, "REQUIRED", form, "1", source)


def _row(name: str, requirement: str, form: str, copies: str, source: str) -> dict[str, str]:
    return {"name": name, "requirement": requirement, "form": form, "copies": copies, "source": source}
