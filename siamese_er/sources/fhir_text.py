"""The text of an attachment: plain, HTML, RTF or XML (C-CDA); pure functions, no Spark."""

import base64
import binascii
import codecs
import hashlib
import re
from dataclasses import dataclass

from lxml import etree, html
from striprtf.striprtf import rtf_to_text

PLAIN = ("text/plain", "text/markdown")
HTML = ("text/html", "application/xhtml+xml")
RTF = ("text/rtf", "application/rtf")
XML = ("text/xml", "application/xml", "application/hl7-cda+xml", "application/hl7-sda+xml", "application/cda+xml")
READABLE = (*PLAIN, *HTML, *RTF, *XML)
CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "caption",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "item",
        "li",
        "list",
        "main",
        "nav",
        "ol",
        "p",
        "paragraph",
        "pre",
        "section",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
    ]
)
BREAKS = frozenset({"br", "hr"})
HIDDEN = frozenset({"script", "style", "head", "template", "noscript"})
MARKS = {"utf-8-sig": codecs.BOM_UTF8, "utf-16": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}


@dataclass(frozen=True)
class Attachment:
    """What an attachment turned out to be; ``text`` is null where there is none to read."""

    text: str | None
    n_bytes: int | None
    sha1: str | None


UNREAD = Attachment(None, None, None)


def read_attachment(content_type: str | None, data: str | None) -> Attachment:
    """The text of base64 data, its bytes and their SHA-1 in base64.

    A type that is not read, bad base64 and broken markup give no text, and no error.

    >>> read_attachment("text/html; charset=utf-8", "PHA+SGk8YnI+QW5uPC9wPg==").text
    'Hi\\nAnn'
    """
    kind = media_type(content_type)
    if data is None or kind not in READABLE:
        return UNREAD
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return UNREAD
    return Attachment(
        text_of(kind, charset(content_type), content),
        len(content),
        base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode(),
    )


def media_type(content_type: str | None) -> str:
    """The type without its parameters, lower case; empty where there is none."""
    return (content_type or "").partition(";")[0].strip().lower()


def charset(content_type: str | None) -> str | None:
    """The charset that a content type names, if Python knows it."""
    found = CHARSET.search(content_type or "")
    try:
        return codecs.lookup(found[1]).name if found else None
    except LookupError:
        return None


def text_of(kind: str, encoding: str | None, content: bytes) -> str | None:
    """The text of content of a readable type; null where nothing but blanks is left or the markup is beyond repair."""
    try:
        if kind in HTML:
            text = html_text(content, encoding)
        elif kind in XML:
            text = xml_text(content)
        elif kind in RTF:
            text = rtf_to_text(content.decode("ascii", errors="replace"), errors="ignore")
        else:
            text = decoded(content, encoding)
    except (etree.LxmlError, ValueError, RecursionError, IndexError, KeyError):
        return None
    return tidy(text)


def decoded(content: bytes, encoding: str | None) -> str:
    """The bytes as text: by their mark, the charset given, UTF-8, else Windows-1252."""
    for name, mark in MARKS.items():
        if content.startswith(mark):
            return content.decode(name, errors="replace").removeprefix("\ufeff")
    for charset in (encoding or "utf-8", "utf-8"):
        try:
            return content.decode(charset)
        except UnicodeDecodeError:
            continue
    return content.decode("cp1252", errors="replace")


def tidy(text: str) -> str | None:
    """The text with blanks at the ends of lines and repeated empty lines gone; null where nothing is left."""
    lines = [
        " ".join(line.split()) for line in text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").split("\n")
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() or None


def html_text(content: bytes, encoding: str | None) -> str:
    """What a reader sees of a page."""
    if not content.strip():
        return ""
    root = html.document_fromstring(
        decoded(content, encoding), parser=html.HTMLParser(no_network=True, huge_tree=False)
    )
    return "".join(pieces(root))


def xml_text(content: bytes) -> str:
    """The text of an XML document; of a C-CDA document its sections' titles and narrative, or the body it wraps.

    Entities are not resolved and nothing is fetched.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True)
    root = etree.fromstring(content, parser)
    if root is None:
        return ""
    if etree.QName(root).localname != "ClinicalDocument":
        return "".join(pieces(root))
    wrapped = root.xpath(".//*[local-name()='nonXMLBody']/*[local-name()='text']")
    parts = [wrapped_text(body) for body in wrapped]
    path = ".//*[local-name()='section']/*[local-name()='title' or local-name()='text']"
    return "\n".join([*parts, *("".join(pieces(element)) for element in root.xpath(path))])


def wrapped_text(body: etree._Element) -> str:
    """The text of a C-CDA document's unstructured body."""
    kind, content = media_type(body.get("mediaType")), body.text or ""
    if (body.get("representation") or "").upper() != "B64":
        return content
    return read_attachment(kind, content).text or "" if kind not in XML else ""


def pieces(element: etree._Element) -> list[str]:
    """The texts below an element in reading order, a line break around each block."""
    found: list[str] = []
    for event, own in etree.iterwalk(element, events=("start", "end", "comment", "pi")):
        is_start = event == "start"
        if event in ("comment", "pi"):
            found.append(own.tail or "")
            continue
        name = etree.QName(own).localname.lower() if isinstance(own.tag, str) else ""
        if name in BLOCKS or (is_start and name in BREAKS):
            found.append("\n")
        if is_start and name and not hidden(own):
            found.append(own.text or "")
        if not is_start and own is not element and not hidden(own.getparent()):
            found.append(own.tail or "")
    return found


def hidden(element: etree._Element | None) -> bool:
    """True inside elements that no reader sees."""
    while element is not None:
        if isinstance(element.tag, str) and etree.QName(element).localname.lower() in HIDDEN:
            return True
        element = element.getparent()
    return False
