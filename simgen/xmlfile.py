"""XML from elsewhere to a small tree with line numbers.

A document type is refused: without one there are no entities of its own, so a small file cannot grow in memory and
nothing is fetched from another place.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from simgen.errors import DataError

_DEEPEST = 50


class IllFormedError(DataError):
    """A file that is no XML."""


@dataclass
class Element:
    """A tag with its text and the tags inside.

    Attributes:
        tag: its name.
        line: where it begins.
        attributes: by name.
        text: what stands in it, white space at both ends removed.
        inside: the tags in it.
    """

    tag: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    inside: list["Element"] = field(default_factory=list)

    def all(self, tag: str) -> Iterator["Element"]:
        """Yield the tags of a name directly inside."""
        return (element for element in self.inside if element.tag == tag)

    def first(self, tag: str) -> "Element | None":
        """Return the first tag of a name directly inside."""
        return next(self.all(tag), None)


def parse(data: bytes, where: str, layout: str) -> Element:
    """Return the outermost tag.

    Args:
        data: the file.
        where: how a message begins, e.g. 'labels "a.xml"'.
        layout: what is expected, e.g. "VOC".

    Raises:
        IllFormedError: no XML; with the line.
        DataError: a document type, or tags nested too deep; with the line.
    """
    parser = expat.ParserCreate()
    top = Element("", 0)
    open_tags = [top]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(open_tags) > _DEEPEST:
            raise DataError(
                f"{where} line {parser.CurrentLineNumber}: expected the layout of {layout}, got one nested too deep"
            )
        element = Element(tag, parser.CurrentLineNumber, attributes)
        open_tags[-1].inside.append(element)
        open_tags.append(element)

    def end(_: str) -> None:
        open_tags[-1].text = open_tags[-1].text.strip()
        open_tags.pop()

    def text(words: str) -> None:
        open_tags[-1].text += words

    def refuse(*_: object) -> None:
        raise DataError(f"{where} line {parser.CurrentLineNumber}: a document type or an entity of its own is refused")

    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise IllFormedError(
            f"{where} line {error.lineno}: expected XML, got {expat.ErrorString(error.code)}"
        ) from None
    return top.inside[0]
