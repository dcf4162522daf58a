"""Turns search hits into the passages of an answer: verbatim text with links."""

from assistant.answering.answer import DocumentRef, Explanation, FoundPassage, Highlight, SectionRef
from assistant.links import highlight_url, section_url
from assistant.retrieval import Hit
from index.markdown import Document, Section, used_references
from index.storage import Notes


def quote(
    notes: Notes, hit: Hit, rank: int, link_template: str, public_url: str, explain: bool = False
) -> FoundPassage:
    """Return the passage of a hit, with highlights on the answering lines and a section link."""
    passage = notes.passages[hit.passage]
    document = notes.documents[passage.document]
    section = document.sections[passage.section]
    url = section_url(link_template, public_url, document, section, notes.is_apart(document))
    text = passage.text(document.source)
    answers = [passage.lines[number] for number in hit.answers]
    return FoundPassage(
        rank=rank,
        score=round(hit.score, 4),
        text=text,
        highlights=tuple(Highlight(*passage.span(line)) for line in answers),
        line=document.source.count("\n", 0, answers[0].start) + 1,
        section=section_ref(section),
        document=document_ref(document),
        damaged=document.is_mended(passage.start, passage.end),
        url=url,
        highlight_url=highlight_url(url, answers[0].words),
        explanation=_explanation(hit) if explain else None,
        references=used_references(document.references, text),
    )


def section_ref(section: Section) -> SectionRef:
    """Return the reference to a section that answers and search results hold."""
    return SectionRef(section.title, section.path, section.anchor, section.level)


def document_ref(document: Document) -> DocumentRef:
    """Return the reference to a document that answers and search results hold."""
    return DocumentRef(
        document.id, document.title, document.corpus, document.language, document.path
    )


def _explanation(hit: Hit) -> Explanation:
    return Explanation(
        late=round(hit.late, 4),
        lines=round(hit.lines, 4),
        dense=round(hit.dense, 4),
        lexical=round(hit.lexical, 4),
        gist=round(hit.sentence_embedding, 4),
        reranked=hit.read,
    )
