from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.text.clean import clean, digest, fold, nfc, protected, quotation, strip_markup

ANY_TEXT = st.text(st.characters(codec=None), max_size=200)
INVISIBLE = (
    "\x00\x07\x1b\x7f\x85\u200e\u202e\u2066\ufeff\u200b\u200c\u2060\u180e\u00ad\uf0b7\ufb01\ufffc\u2011"
)
UGLY_TEXT = st.text(
    st.sampled_from(
        "a é\n\r\x0b\u00ad\u200d\u200c\ufe0f\U0001f33e\u0301\uf0b7\ue000\u2028\ufb01\ufffc\u2011\ud83d\udc00\u00a0"
    ),
    max_size=30,
)


@given(ANY_TEXT | UGLY_TEXT)
def test_clean_text_is_fit_to_show_and_to_encode(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not set(cleaned) & set(INVISIBLE)
    assert "  " not in cleaned and "\n\n" not in cleaned and "\t" not in cleaned
    cleaned.encode("utf-8")


@given(st.text("abcé ", min_size=1).filter(str.strip), st.sampled_from(INVISIBLE[:14]))
def test_what_follows_an_invisible_character_is_kept(text: str, invisible: str) -> None:
    assert clean(f"avant{invisible} {text}") == clean(f"avant {text}")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("e\u0301cole", "école"),
        ("un\r\ndeux\rtrois\u2028quatre", "un\ndeux\ntrois\nquatre"),
        ("  beaucoup \u00a0 d'espace \n \n\n ici ", "beaucoup d'espace\nici"),
        ("droite\u202egauche", "droitegauche"),
        ("seul\ud800", "seul\ufffd"),
        ("éco\x00le", "école"),
        ("prix\u202f:\u00a03\u2007500", "prix : 3 500"),
        ("biblio\u200bthè\u2060que\u200c, l\u180e\ufeffeau", "bibliothèque, l'eau".replace("'", "")),
        ("désim\u00adper\u00ad\n  méabiliser", "désimperméabiliser"),
        ("af\ufb01chage, \ufb02ux, o\ufb03ce", "affichage, flux, office"),
        ("rez\u2011de\u2010chaussée", "rez-de-chaussée"),
        ("Objectifs :\n\uf0b7 l'eau\n\uf0a7\tles sols", "Objectifs :\n• l'eau\n• les sols"),
        ("l'eau \uf0b7 les sols \ue123", "l'eau • les sols"),
        ("saut\x0bde ligne\x0cde page", "saut\nde ligne\nde page"),
        ("image \ufffc ici", "image ici"),
        ("agricultrice \U0001f469\u200d\U0001f33e", "agricultrice \U0001f469\u200d\U0001f33e"),
    ],
)
def test_clean(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<p>Un</p><p>Deux</p>", "Un\nDeux"),
        ("Un <b>mot</b> &amp; un autre", "Un mot & un autre"),
        ("avant<script>alert('x')</script>après", "avantaprès"),
        ("<style>p{color:red}</style>Texte<!-- rien -->", "Texte"),
        ("Coût &lt; 10 &euro;", "Coût < 10 €"),
        ("si a < b et c > d", "si a < b et c > d"),
        ("<ul><li>un<li>deux</ul>", "un\ndeux"),
    ],
)
def test_markup_is_read_as_text(raw: str, expected: str) -> None:
    assert clean(strip_markup(raw)) == expected


@given(ANY_TEXT)
def test_no_text_breaks_the_reading_of_markup(text: str) -> None:
    clean(strip_markup(f"<p>{text}"))


MARKS = st.text(st.sampled_from("aé \u0301\u0323\u0315\u0f73\u0344"), max_size=120)


@given(MARKS, st.integers(0, 80))
def test_a_letter_keeps_thirty_marks(text: str, more: int) -> None:
    found = nfc(text + "o" + "\u0315\u0323" * more)
    assert nfc(found) == found and unicodedata.is_normalized("NFC", found)
    run = 0
    for character in found:
        run = run + 1 if unicodedata.combining(character) else 0
        assert run <= 30


@given(st.text("aéeo\u0301\u0323 —", max_size=29))
def test_the_marks_of_a_real_text_are_all_kept(text: str) -> None:
    assert nfc(text) == unicodedata.normalize("NFC", text)
    assert nfc(text + "—" * 60) == unicodedata.normalize("NFC", text + "—" * 60)


OPENINGS = ("<!--", "<!", "<?", "<![CDATA[", "</a ", "<a ", '<a x="', "<a x='>", "<a/", "<", "<!-- >")


@pytest.mark.parametrize("opening", OPENINGS)
def test_markup_that_is_never_closed_does_not_take_hours(opening: str) -> None:
    found = strip_markup("<p>avant" + opening * (300_000 // len(opening)))
    assert found.startswith("\navant")


def test_marks_without_end_do_not_take_hours() -> None:
    assert len(clean("a" + "\u0315\u0300" * 500_000)) <= 31


def test_markup_with_many_comments_and_stray_signs_is_read_as_with_few() -> None:
    one = '<!-- wp:paragraph --><p title="x">Coût &lt; 10 & délai < 3 mois</p><!-- /wp -->'
    assert strip_markup(one * 40) == strip_markup(one) * 40 == "\nCoût < 10 & délai < 3 mois\n" * 40


@pytest.mark.parametrize("text", ["&#" + "1" * 5_000 + ";", "<b>&#" + "1" * 5_000 + ";"])
def test_a_number_of_five_thousand_digits_names_no_character(text: str) -> None:
    assert strip_markup(text) == "\ufffd"


@pytest.mark.parametrize("around", ["{}", "<p>{}</p>"])
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            "https://e.org/liste?dept=35&region=53&section=2",
            "https://e.org/liste?dept=35&region=53&section=2",
        ),
        ("?a=1&notice=48&copy=2&lt=3&#38", "?a=1&notice=48&copy=2&lt=3&#38"),
        ("&copyright; &unknown; A&B &", "&copyright; &unknown; A&B &"),
        ("caf&eacute;&nbsp;&#233;&#xE9; &amp;region;", "café\u00a0éé &region;"),
    ],
)
def test_only_a_reference_that_ends_in_a_semicolon_is_decoded(around: str, raw: str, expected: str) -> None:
    assert strip_markup(around.format(raw)).strip("\n") == expected


@pytest.mark.parametrize(
    "text",
    [
        "délai <3 mois",
        "un débit Q<Qmax, en crue",
        "« a <- b »",
        "a <!-- b",
        "population < 3 500 habitants et > 500",
        "Q<b et c>d",
        "<<désimperméabiliser>> la cour",
        "<<main verte>>, <<haies>>",
        "écrire à <maire@ville.example.org> ou <https://ville.example.org/a>",
        "<Titre du projet> pour <nom-de-la-commune>",
        "<Article> <Source> : <Objet>, <Section>",
        "a <= b, c <> d, <-, <3, </3>, <?",
    ],
)
def test_a_sign_that_opens_no_tag_is_kept(text: str) -> None:
    assert strip_markup(text) == text
    assert strip_markup(f"<p>Un</p>{text}") == f"\nUn\n{text}"
    assert strip_markup(f"{text} <em>oui</em>") == f"{text} oui"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<o:p>Un</o:p> <st1:place w:st='on'>Deux</st1:place>", "Un Deux"),
        ("<jats:p>Un</jats:p><jats:p>Deux</jats:p>", "Un\nDeux"),
        ('<IMG SRC="a.png" ALT="a > b">Un<BR/>Deux', "Un\nDeux"),
        ("<video controls muted>Un</video><input disabled>", "Un"),
        ("<td width=50% nowrap>Un</td>", "Un"),
        ('<drupal-media data-id="1">Un</drupal-media>', "Un"),
        ("<!DOCTYPE html><?xml version='1.0'?><!--[if mso]><p>non</p><![endif]-->Un", "Un"),
        ("<![CDATA[<p>Un</p>]]>", "Un"),
    ],
)
def test_the_elements_of_pages_and_of_word_are_removed(raw: str, expected: str) -> None:
    assert clean(strip_markup(raw)) == expected


ADDRESSES = [
    "https://e.example.org/?a=1&copy;=2&region;=5&lt;=3",
    "https://e.example.org/?a=1&notice=4&section=5&param=6&current=7&copy",
    "http://e.example.org/l'eau&copy;&eacute;/",
    "index.php?lvl=1&copy;=2&reg;",
]


@pytest.mark.parametrize(
    "around", ["{}", "Voir {}, page 2", "<p>Caf&eacute; ({})</p>", "&laquo;&nbsp;{}&nbsp;&raquo;"]
)
@pytest.mark.parametrize("address", ADDRESSES)
def test_no_reference_is_decoded_in_an_address(around: str, address: str) -> None:
    assert address in strip_markup(around.format(address))
    assert address in strip_markup(around.format(address.replace("&", "&amp;")))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("https://e.org/?a=1&amp;b=2&#38;c=l&#039;eau", "https://e.org/?a=1&b=2&c=l'eau"),
        ("&quot;https://e.org/a&quot;&nbsp;: caf&eacute;", '"https://e.org/a"\u00a0: café'),
        ("caf&eacute;:https://e.org/?a&amp;b", "café:https://e.org/?a&b"),
        ("&lt;a href=&quot;https://e.org&quot;&gt;", '<a href="https://e.org">'),
    ],
)
def test_what_html_escapes_around_an_address_is_decoded(raw: str, expected: str) -> None:
    assert strip_markup(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Un_x000D_\nDeux_x000d__x000A_Trois", "Un\nDeux\nTrois"),
        ("code_x005F_x000D_", "code_x000D_"),
        ("Titre_x0020_du_x0020_projet, l_x2019_eau", "Titre du projet, l’eau"),
        ("_xD83C__xDF33_ arbre", "\U0001f333 arbre"),
        ("plan_x1080_y, _x00_, max_x", "plan_x1080_y, _x00_, max_x"),
        ("https://e.org/Mes_x0020_Docs/a.pdf_x000D_", "https://e.org/Mes_x0020_Docs/a.pdf"),
    ],
)
def test_the_escapes_of_excel_are_decoded(raw: str, expected: str) -> None:
    assert clean(strip_markup(raw)) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            '[et_pb_section fb_built="1"][et_pb_text]Un[/et_pb_text][et_pb_text a="]"]Deux[/et_pb_text]',
            "Un\nDeux",
        ),
        ("[vc_row][vc_column width=1/2]<p>Un l'eau</p>[/vc_column][/vc_row]", "Un l'eau"),
        ('Avant [gallery ids="1,2"] après', "Avant\naprès"),
        ('[caption id="a" width=300]<img src="b.png"> La mare[/caption]', "La mare"),
        ("[caption id=&#8221;a&#8221;]La mare[/caption]", "La mare"),
        ("[one_half]Un[/one_half][one_half_last]Deux[/one_half_last]", "Un\nDeux"),
        ("[fusion_dropcap]L[/fusion_dropcap]a cour", "La cour"),
        ('[contact-form-7 id="12" title="Nous écrire"] Fin', "Fin"),
        ('Voir [bouton lien="https://e.org"] ici', "Voir ici"),
        ("[url=https://e.org]le [b]guide[/b][/url]", "le guide"),
        ('[vc_custom_heading text="Le sol" font="a:b"]Un', "Le sol\nUn"),
        ("[av_toggle title='L\u2019eau' id='x']Un[/av_toggle]", "L\u2019eau\nUn"),
        (
            '[et_pb_section admin_label="Un"][et_pb_blurb title="Les haies" icon="x"]Un[/et_pb_blurb]',
            "Les haies\nUn",
        ),
        ("Un [sg_popup id=12] deux [table id=3 /]", "Un\ndeux"),
        ('[vc_raw_html el="a"]JTNDaWZyYW1lJTNF[/vc_raw_html]Un', "Un"),
        ("Un [spacer /][my-plan zoom=3 lat=4.5]deux", "Un deux"),
    ],
)
def test_the_shortcodes_of_page_builders_are_removed(raw: str, expected: str) -> None:
    assert clean(strip_markup(raw)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "[2018] [sic] [voir annexe 2] [...] […] [1] [Dupont, 2019]",
        "[le guide](https://e.org/a.pdf) et [caption](b.html)",
        "[d'après l'étude] [n = 12] [Q=3] [et/ou] [x] [a, b[",
        "[[Haies]] tableau[0] [À compléter]",
        "[soit x=3] [avec Q=3 m3/s] [pour alpha=0,05] [nom_de_la_commune]",
    ],
)
def test_words_between_brackets_are_kept(text: str) -> None:
    assert strip_markup(text) == text


@given(ANY_TEXT | st.text("<>&;#/?![]_x=\"'-0159 aébp:.", max_size=60) | st.sampled_from(ADDRESSES))
def test_a_protected_text_is_given_back(text: str) -> None:
    """The tokens of HTML have no NUL and one kind of line end; a clean text has neither."""
    text = clean(text)
    assert strip_markup(protected(text)) == text


@pytest.mark.parametrize(
    "piece",
    [
        "[a ",
        '[a="',
        "[a='[a=\"",
        "[a]",
        "[/a]",
        "[a_",
        "[vc_raw_js]a",
        "[a id=1 b=2 ",
        "[a_tab title='",
        "-a b=",
        "_x0020_",
        "http://_x0020_",
        "<b ",
        "<b =",
        "<<",
        "&a;",
        "http://&",
        "www.&nbsp;",
        "?a=&b",
        "<!--",
        "<b a=",
        "\u00ad ",
        "\uf0b7",
        "\u200d",
    ],
)
@pytest.mark.timeout(20)
def test_hostile_pieces_do_not_take_hours(piece: str) -> None:
    clean(strip_markup(piece * (200_000 // len(piece)) + " >"))


@pytest.mark.timeout(60)
def test_tags_that_a_tree_repeats_do_not_take_hours() -> None:
    """Each `<p>` opens again all that is still open; each `</a>` is looked for in all of it."""
    opened = "".join(f"<b id={number}><p>" for number in range(20_000))
    assert strip_markup(f"{opened}fin{'</a>' * 20_000}") == "\n" * 20_000 + "fin"


@given(st.text("abcdéè '’œ", max_size=40))
def test_fold_ignores_case_and_accents(text: str) -> None:
    assert fold(text) == fold(text.upper()) == fold(unicodedata.normalize("NFD", text)) == fold(fold(text))


def test_fold() -> None:
    assert fold(" L’Œuvre  ÉTÉ ") == "l'oeuvre ete"
    assert fold("Rez\u2011de\u2010chaussée") == "rez-de-chaussee"


@given(st.lists(ANY_TEXT, max_size=4), st.lists(ANY_TEXT, max_size=4))
def test_digests_differ_as_their_parts_do(one: list[str], other: list[str]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)


def test_digest_counts_the_boundaries_of_parts() -> None:
    assert digest("ab", "c") != digest("a", "bc") != digest("abc")
    assert digest("titre", "résumé") == digest("titre", "résumé")
    assert len(digest("")) == 32


@given(
    st.text("aé\u0301 \u00a0\u1680\u2126ß", max_size=30)
    | st.integers(0, 60).map(lambda n: "a" + "\u0315\u0323" * n)
)
def test_the_short_way_gives_what_the_long_one_does(text: str) -> None:
    """A newline at the end sends a text the long way, and is cleaned away."""
    assert clean(text) == clean(text + "\n")


@pytest.mark.parametrize(
    ("passage", "shown"),
    [
        ("* Le coût est élevé ;", "Le coût est élevé ;"),
        ("\\- Une régie\n - Un marché", "Une régie\n• Un marché"),
        ("\\\nLa suite", "La suite"),
        ("Deux causes :\n* la pluie\\\n* le vent", "Deux causes :\n• la pluie\n• le vent"),
        ("-5 degrés, 3 - 4 jours", "-5 degrés, 3 - 4 jours"),
    ],
)
def test_a_quotation_leaves_the_marks_of_a_list_behind(passage: str, shown: str) -> None:
    assert quotation(passage) == shown
