"""What programs write into texts for themselves: Excel's escapes, and the shortcodes of page builders."""

from __future__ import annotations

import re

_EXCEL = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LONGEST_ADDRESS = 2_000
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")

_BUILDERS = tuple(
    "et_ av_ fusion_ vc_ fl_ su_ cs_ mk_ ux_ tatsu_ kc_ stm_ qode_ mkdf_ nectar_ porto_ wpb_ dt_ az_ "
    "siteorigin_ ninja_ wpdm_ rev_ gravity elementor- contact-form wpforms layerslider "
    "tm_pb_ cmsmasters_ themify_ mks_ tribe_ woocommerce_ bt_bb_ td_ tdc_ vcex_ eltdf_ edgtf_ trx_".split()
)
"""What the shortcodes of WordPress's page builders and forms begin with."""
_COMMON = frozenset("audio caption embed gallery playlist video wp_caption".split())
"""WordPress's own shortcodes."""
_LIKELY = re.compile(rf"\[(?:/|{'|'.join((*_BUILDERS, *_COMMON))})|=\s*[\"']|\[\w+?[_-]|\bid=|/\]")
"""What every text with a shortcode has. Most brackets are quotations and references."""
_SHORTCODE = re.compile(
    r"\[(?P<close>/)?(?P<name>[A-Za-z][A-Za-z0-9_-]*)"
    r"(?P<rest>(?=[\s=/\]])(?:[^\[\]=]++|=\s*(?:\"[^\"]*+\"|'[^']*+')|=)*+)\](?!\()"
)
_ATTRIBUTES = re.compile(r"(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'=]++))*\s*/?")
_TITLED = re.compile("heading|title|toggle|tab(?!le)|accordion|tta_section|blurb|cta|spoiler|slide(?!r)")
_TITLE = re.compile(r"\s(?:title|heading|text|h2)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
"""The title that a visitor reads above a block is an attribute."""
_RAW = re.compile(r"\[(vc_raw_(?:html|js))\b[^\[\]]*+\][\w+/=%\s]*+\[/\1\]")
"""HTML and scripts in base 64."""
_INLINE = re.compile("dropcap|highlight|tooltip|popover|icon|awesome")


def without_excel_escapes(text: str) -> str:
    r"""Decode what Excel writes for a character that XML cannot hold: "_x000D_" is a line end.

    "_x005F_" is the "_" of a text that would look like an escape. Only characters that are escaped in real
    files count: "plan_x1080_y" stays. In an address, only line ends and other controls do.
    """
    text = _EXCEL.sub(_unescaped, text)
    return _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)


def _unescaped(escape: re.Match[str]) -> str:
    code = int(escape[1], 16)
    if code < 0x20:
        return chr(code)
    usual = code < 0x100 or code in (0x152, 0x153, 0x20AC) or 0x2000 <= code < 0x2070
    if not (usual or 0xD800 <= code < 0xE000 or code >= 0xFFF0):
        return escape[0]
    before = escape.string[max(0, escape.start() - _LONGEST_ADDRESS) : escape.start()]
    return escape[0] if "://" in before and "://" in f"_{before}".split()[-1] else chr(code)


def without_shortcodes(text: str) -> str:
    """Remove the shortcodes of a page builder and keep what is between them.

    A shortcode is a name of WordPress or of a builder, a name with quoted attributes, or one that is closed
    later, such as `[one_half]…[/one_half]`. The title of a block stays, and so do "[sic]", "[voir
    annexe 2]" and Markdown's links.
    """
    if _LIKELY.search(text) is None:
        return text
    text = _RAW.sub("\n", text)
    closed = {code["name"] for code in _SHORTCODE.finditer(text) if code["close"]} if "[/" in text else set()
    return _SHORTCODE.sub(lambda code: _between(code) if _is_shortcode(code, closed) else code[0], text)


def _is_shortcode(code: re.Match[str], closed: set[str]) -> bool:
    name = code["name"]
    if code["close"]:
        return not code["rest"].strip()
    if name in closed or name in _COMMON or name.startswith(_BUILDERS):
        return True
    rest = code["rest"]
    if _ATTRIBUTES.fullmatch(rest) is None:
        return False
    unlike_prose = ("_" in name or "-" in name) and "=" in rest
    return unlike_prose or '"' in rest or "'" in rest or " id=" in rest or rest.strip() == "/"


def _between(code: re.Match[str]) -> str:
    """Return what stands for a shortcode: a line end or its title for a block, nothing within a sentence."""
    name = code["name"]
    if not code["close"] and _TITLED.search(name) and (title := _TITLE.search(code["rest"])):
        return f"\n{title[1] or title[2] or ''}\n"
    is_block = name in _COMMON or name.startswith(_BUILDERS) or "_" in name
    return "\n" if is_block and not _INLINE.search(name) else ""
