"""What was understood of a request with misspelt words, and the way back to the words as they are typed."""

from __future__ import annotations

import streamlit as st

from reco.app.markup import plain, shortened
from reco.app.phrases import say
from reco.ranking.recommender import Answer
from reco.ranking.spelling import EVERYTHING

_MOST = 6
"""Words that have a button of their own."""
_BESIDE = 2
"""Words whose buttons stand beside the sentence; more of them would push the results out of sight."""
_LONGEST = 300
_AROUND = 20
"""Characters between two corrections above which a sign stands for them."""


def understood(answer: Answer) -> None:
    """Draw "Understood: ..." above the results, with a button for each word, or the way back to it."""
    exact = answer.query.exact
    if not (answer.corrections or exact):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="understood"):
        if answer.corrections:
            st.markdown(say("spelling.understood", text=_marked(answer)), width="content")
        if len(answer.misspelt) <= _BESIDE:
            _each_word(answer)
        else:
            with st.popover(say("spelling.one"), type="tertiary"):
                _each_word(answer)
        if len(answer.misspelt) > 1:
            every = ((EVERYTHING,),)
            st.button(say("spelling.all"), key="exact_all", type="tertiary", on_click=_set_exact, args=every)
        if exact:
            st.button(say("spelling.restore"), key="exact_none", on_click=_set_exact, args=((),))


def _each_word(answer: Answer) -> None:
    """Draw a button for each misspelt word, which searches it as it is typed."""
    for number, word in enumerate(list(answer.misspelt)[:_MOST]):
        st.button(
            say("spelling.exactly", word=plain(shortened(word, 40))),
            key=f"exact_{number}",
            type="tertiary",
            on_click=_set_exact,
            args=((*answer.query.exact, word),),
        )


def _set_exact(words: tuple[str, ...]) -> None:
    st.session_state["exact"] = words


def _marked(answer: Answer) -> str:
    """Return the words understood in bold, with the few words between them."""
    typed, parts, at = answer.query.text, list[str](), 0
    for number, one in enumerate(answer.misspelt.values()):
        between = typed[at : one.start] if number else ""
        parts += [plain(between) if len(between) <= _AROUND else "…", f"**{plain(one.understood)}**"]
        at = one.end
    return _cut(" ".join(part for part in parts if part))


def _cut(text: str) -> str:
    """Return a text without the end of a long one, cut between two words understood."""
    if len(text) <= _LONGEST:
        return text
    end = text.rfind("** ", 0, _LONGEST)
    return f"{text[: end + 2]} …" if end > 0 else text
