"""What stands first: who ran, the verdict with its numbers, the warnings with evidence, source and what may help."""

from __future__ import annotations

from soleus.guidance import Guidance, guidance_for
from soleus.model import FEET, SEVERITIES, Foot, Steps
from soleus.report.course import Course, median
from soleus.report.markup import Markup, items, join, tag
from soleus.report.plots import SEVERITY_SIGNS
from soleus.report.quantities import clock, number, pace, quantity
from soleus.report.run import Run, rule_title
from soleus.report.verdict import Verdict, explained

LEVEL_SIGNS = {"stop": "⬣", "caution": "◆", "notice": "▲", "well": "✓", "unknown": "?"}
LEVEL_WORDS = {
    "stop": "stop",
    "caution": "take care",
    "notice": "worth a look",
    "well": "nothing unusual",
    "unknown": "no verdict",
}
DISCLAIMER = (
    "Forces, oscillation, overstride and calf loads are modelled, not measured. Soleus is no medical device and this "
    "is no diagnosis."
)
RED_FLAGS = (
    "See a professional at once, whatever these numbers say, if you felt a sudden pop or kick in the calf, cannot "
    "stand on tiptoe, have a swollen, warm or discoloured calf on one side, numbness or weakness of the foot, severe "
    "or night pain, or fever; with breathlessness or chest pain call the emergency number."
)
SEVEREST_FIRST = tuple(reversed(SEVERITIES))
CARDS = ("contact_time", "achilles_impulse", "overstride", "cadence", "vertical_oscillation", "foot_strike_angle")


def title_of(run: Run) -> str:
    """Name a run: who and when, or its folder."""
    who = run.record.runner.name or run.name
    when = "" if run.record.start_utc is None else f", {run.record.start_utc:%d %B %Y}"
    return f"{who}{when}"


def heading(run: Run, course: Course, name: str) -> Markup:
    """Write who ran, when, how far and in what."""
    facts = []
    if run.record.start_utc is not None:
        facts.append(f"{run.record.start_utc:%Y-%m-%d %H:%M} UTC")
    facts.append(f"{clock(course.end_s - course.start_s)} from first to last step")
    distance_m = course.total("distance")
    if distance_m:
        facts.append(f"{number(distance_m / 1000.0, 2)} km")
    if run.record.runner.shoe:
        facts.append(f"shoe: {run.record.runner.shoe}")
    button = tag("button", "Dark colours", id="theme", type="button", hidden=True)
    words = tag("div", tag("h1", f"{name}: {title_of(run)}"), tag("p", " · ".join(facts), class_="quiet"))
    return tag("header", words, button)


def sign(word: str, text: str) -> Markup:
    """Write a severity or level: shape, colour and word."""
    shape = SEVERITY_SIGNS.get(word) or LEVEL_SIGNS[word]
    return tag("span", tag("span", shape, aria_hidden="true"), f" {text}", class_=f"sign {word}")


def verdict_section(run: Run, course: Course, verdict: Verdict) -> Markup:
    """Write the verdict, what it rests on, and the numbers of the run."""
    severe = verdict.level == "stop"
    return tag(
        "section",
        tag("h2", "Verdict"),
        sign(verdict.level, LEVEL_WORDS[verdict.level]),
        tag("p", verdict.headline, class_="headline"),
        items(*verdict.sentences),
        tag("p", tag("strong", f"Stop the training advice here. {RED_FLAGS}")) if severe else None,
        cards(run, course),
        tag("p", DISCLAIMER, class_="quiet small"),
        id="verdict",
        class_=f"verdict {verdict.level}",
    )


def cards(run: Run, course: Course) -> Markup:
    """Write the run's main numbers, left beside right."""
    trusted = run.steps.select(course.trusted)
    speed = median(trusted["speed_mps"])
    made = [
        _card("Running", clock(course.total("running_time")), f"{number(int(course.running.sum()))} steady steps"),
        _card("Speed", _with_unit(speed), f"{pace(speed)} min/km"),
    ]
    for name in CARDS:
        each = quantity(name)
        both = median(trusted[each.column])
        sides = [
            tag("span", f"{FEET[foot]} {each.show(_of(trusted, each.column, foot), unit=False)}", class_=FEET[foot])
            for foot in Foot
        ]
        value = join(each.show(both, unit=False), tag("span", f" {each.unit}", class_="unit"))
        made.append(_card(each.label, value, join(sides[0], " ", sides[1])))
    return tag("ul", *made, class_="cards")


def _of(steps: Steps, column: str, foot: Foot) -> float:
    return median(steps[column][steps["foot"] == foot])


def _with_unit(speed_mps: float) -> Markup:
    return join(number(speed_mps, 2), tag("span", " m/s", class_="unit"))


def _card(name: str, value: Markup | str, below: Markup | str) -> Markup:
    return tag(
        "li",
        tag("div", name, class_="name"),
        tag("div", value, class_="value"),
        tag("div", below, class_="feet"),
        class_="card",
    )


def warning_list(run: Run, *, prefix: str = "", links: bool = True) -> Markup:
    """Write each warning: when, how grave, what it says, on which evidence, after whom, and what may help.

    Parameters
    ----------
    run
        The session.
    prefix
        Goes before the anchors, where a page has two such lists.
    links
        Whether the page has what may help, to be linked to.
    """
    if not len(run.warnings):
        return tag("p", "No rule fired in this run.")
    made = [_warning(run, position, prefix, links=links) for position in range(len(run.warnings))]
    return tag("ol", *made, class_="warnings")


def _warning(run: Run, position: int, prefix: str, *, links: bool) -> Markup:
    rows = run.warnings
    word = SEVERITIES[rows["severity"][position]]
    foot = "" if rows["foot"][position] < 0 else f", {FEET[rows['foot'][position]]} foot"
    evidence, reference = explained(run, position), str(rows["reference"][position])
    help_ = guidance_for([(str(rows["rule"][position]), word)]) if links and not _stopped(run) else ()
    helping = [tag("a", each.title, href=f"#help-{each.name}") for each in help_]
    return tag(
        "li",
        tag("div", sign(word, word), f" {position + 1} · {clock(float(rows['time_s'][position]))} · "
            f"{rule_title(str(rows['rule'][position]))}{foot}"),
        tag("div", str(rows["message"][position])),
        tag("div", f"Evidence: {evidence}", class_="quiet small") if evidence else None,
        tag("div", f"Source: {reference}", class_="quiet small") if reference else None,
        tag("div", "May help: ", _listed(helping), class_="small") if helping else None,
        id=f"{prefix}warning-{position + 1}",
    )  # fmt: skip


def _listed(parts: list[Markup]) -> Markup:
    made = Markup("")
    for position, part in enumerate(parts):
        made = join(made, ", " if position else None, part)
    return made


def _stopped(run: Run) -> bool:
    return bool((run.warnings["severity"] == SEVERITIES.index("stop")).any())


def guidance_list(run: Run) -> Markup | None:
    """Write what may help the warnings of this run; nothing as soon as one of them says stop."""
    if _stopped(run):
        return tag("p", tag("strong", "Something here says stop, so there is no training advice. "), RED_FLAGS)
    found: dict[str, Guidance] = {}
    order = sorted(range(len(run.warnings)), key=lambda i: -int(run.warnings["severity"][i]))
    for position in order:
        word = SEVERITIES[run.warnings["severity"][position]]
        for each in guidance_for([(str(run.warnings["rule"][position]), word)]):
            found.setdefault(each.name, each)
    if not found:
        return None
    entries = [
        tag(
            "li",
            tag("strong", each.title),
            tag("div", each.text),
            tag("div", f"Not when: {each.not_when}", class_="small"),
            tag("div", f"Source: {each.source}", class_="quiet small"),
            id=f"help-{name}",
        )
        for name, each in found.items()
    ]
    return join(tag("h3", "What may help"), tag("ul", *entries))
