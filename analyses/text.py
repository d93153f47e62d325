"""Names are untrusted text: `visible` shows control, bidirectional and invisible characters as escapes."""

from __future__ import annotations

import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format (bidi, zero width), surrogate, private, separators


def visible(text: str) -> str:
    """The text with every character that cannot be seen written as an escape; ordinary text is unchanged.

    >>> visible("layer\\u202e1\\n\\x1b[31m"), visible("größe")
    ('layer\\\\u202e1\\\\n\\\\x1b[31m', 'größe')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c) in _HIDDEN else c for c in text)


def shorten(text: str, limit: int = 40) -> str:
    """`visible(text)` cut in the middle to at most `limit` characters, so that its ends stay readable.

    >>> shorten("a" * 30 + "tail", 12)
    'aaaaaa…atail'
    """
    text = visible(text)
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
