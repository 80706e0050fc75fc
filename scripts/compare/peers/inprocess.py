"""Runs one Python peer over the work in this process and prints an outcome as loadgo does.

Only the time in the peer counts. Every peer gets the tokens one by one and says
what the reader has seen; how each is used is in its class.
"""

import argparse
import asyncio
import json
import os
import sys
import time

# No telemetry and no downloads; run also sets a home folder whose .guardrailsrc says so.
os.environ["OTEL_SDK_DISABLED"] = "true"
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"


class PyAhoCorasick:
    """The automaton over the token and an overlap of the longest term. Judges before it shows."""

    def __init__(self, terms):
        import ahocorasick

        self.automaton = ahocorasick.Automaton()
        for term in terms:
            self.automaton.add_word(term, 1)
        self.automaton.make_automaton()
        self.overlap = max(map(len, terms)) - 1

    def stream(self, tokens):
        tail, shown, held = "", 0, 0
        for i, token in enumerate(tokens):
            window = tail + token.lower()
            if next(self.automaton.iter(window), None):
                return i + 1, shown, True, held
            tail = window[-self.overlap :]
            shown += len(token.encode())
        return len(tokens), shown, False, held


class LLMGuard:
    """llm-guard's scanner on all of the text so far (growing), or on each token alone (chunk). Judges before it shows."""

    def __init__(self, terms, kind, growing):
        import logging

        import structlog

        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        from llm_guard.output_scanners import BanSubstrings, Regex

        self.growing = growing
        if kind == "substrings":
            self.scanner = BanSubstrings(substrings=terms, match_type="str", case_sensitive=False)
        else:
            import re

            pattern = "(?i)" + "|".join(re.escape(t) for t in terms)
            self.scanner = Regex(patterns=[pattern], is_blocked=True, match_type="search", redact=False)

    def stream(self, tokens):
        text, shown = "", 0
        for i, token in enumerate(tokens):
            text = text + token if self.growing else token
            _, valid, _ = self.scanner.scan("", text)
            if not valid:
                return i + 1, shown, True, 0
            shown += len(token.encode())
        return len(tokens), shown, False, 0


class GuardrailsAI:
    """Guard with a local validator that looks terms up in an automaton, stream=True, its default chunks: sentences.

    on_fail="exception" shows chunks while the sentence is not judged; "fix" holds the sentence back.
    """

    def __init__(self, terms, on_fail):
        import ahocorasick
        from guardrails import Guard, settings
        from guardrails.validators import FailResult, PassResult, Validator, register_validator

        settings.rc.enable_metrics = False
        settings.disable_tracing = True
        automaton = ahocorasick.Automaton()
        for term in terms:
            automaton.add_word(term, 1)
        automaton.make_automaton()

        failed = []

        @register_validator(name="compare/terms", data_type="string")
        class Terms(Validator):
            def validate(self, value, metadata):
                if next(automaton.iter(value.lower()), None):
                    failed.append(1)
                    return FailResult(error_message="a term", fix_value="")
                return PassResult()

        self.failed = failed
        self.terms = Terms(on_fail=on_fail)
        self.guard = Guard().use(self.terms)

    def stream(self, tokens):
        fed, runes_fed, runes, shown, held = 0, 0, 0, 0, 0
        self.failed.clear()
        self.terms.accumulated_chunks = []  # a validator keeps what an abandoned stream left in it

        def model(*_, messages=None, **__):
            nonlocal fed, runes_fed
            for token in tokens:
                fed += 1
                runes_fed += len(token)
                yield token

        try:
            for outcome in self.guard(model, messages=[{"role": "user", "content": "x"}], stream=True):
                if self.failed:
                    break
                held = max(held, runes_fed - runes)
                piece = outcome.validated_output or ""
                shown += len(piece.encode())
                runes += len(piece)
        except Exception:  # what on_fail="exception" raises
            if not self.failed:
                raise
        return fed, shown, bool(self.failed), held


class NeMo:
    """stream_async on the model's tokens with one local output rail, chunks of 200 tokens and 50 of context (its defaults)."""

    def __init__(self, terms, stream_first):
        import ahocorasick
        from nemoguardrails import LLMRails, RailsConfig
        from nemoguardrails.actions import action
        from nemoguardrails.actions.rail_outcome import RailOutcome

        automaton = ahocorasick.Automaton()
        for term in terms:
            automaton.add_word(term, 1)
        automaton.make_automaton()
        yaml = f"""
models: []
rails:
  output:
    flows: [check terms]
    streaming: {{enabled: true, stream_first: {str(stream_first).lower()}}}
"""
        colang = """
define flow check terms
  execute check_terms
"""
        self.rails = LLMRails(RailsConfig.from_content(colang_content=colang, yaml_content=yaml))
        @action(name="check_terms", is_system_action=True)
        async def check_terms(context=None, **_):
            found = next(automaton.iter(context["bot_message"].lower()), None)
            return RailOutcome.allow() if found is None else RailOutcome.block(reason="a term")

        self.rails.register_action(check_terms, "check_terms")
        self.loop = asyncio.new_event_loop()

    def stream(self, tokens):
        async def run():
            fed, shown, runes, held = 0, 0, 0, 0

            async def model():
                nonlocal fed
                for token in tokens:
                    fed += 1
                    yield token

            async for piece in self.rails.stream_async(messages=[{"role": "user", "content": "x"}], generator=model()):
                if piece.startswith('{"error"'):
                    if "content_blocked" not in piece:
                        raise RuntimeError(piece)
                    return fed, shown, True, held
                held = max(held, sum(map(len, tokens[:fed])) - runes)
                shown += len(piece.encode())
                runes += len(piece)
            return fed, shown, False, held

        return self.loop.run_until_complete(run())


PEERS = {
    "pyahocorasick": PyAhoCorasick,
    "llm-guard-substrings-growing": lambda t: LLMGuard(t, "substrings", True),
    "llm-guard-substrings-chunk": lambda t: LLMGuard(t, "substrings", False),
    "llm-guard-regex-growing": lambda t: LLMGuard(t, "regex", True),
    "llm-guard-regex-chunk": lambda t: LLMGuard(t, "regex", False),
    "guardrails-ai-exception": lambda t: GuardrailsAI(t, "exception"),
    "guardrails-ai-fix": lambda t: GuardrailsAI(t, "fix"),
    "nemo-stream-first": lambda t: NeMo(t, True),
    "nemo-hold": lambda t: NeMo(t, False),
}


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--work", required=True)
    p.add_argument("--peer", choices=sorted(PEERS), required=True)
    p.add_argument("--seconds", type=float, default=1, help="least CPU time to measure")
    p.add_argument("--streams", type=int, default=0, help="how many of the streams, the last ones; 0 for all")
    args = p.parse_args()
    with open(os.path.join(args.work, "work.json"), encoding="utf-8") as f:
        streams = json.load(f)["streams"]
    with open(os.path.join(args.work, "terms.txt"), encoding="utf-8") as f:
        terms = f.read().split("\n")[:-1]
    peer = PEERS[args.peer](terms)
    peer.stream(streams[0]["tokens"][:20])  # warm
    out = {"tokens": 0, "cpu_seconds": 0, "wall_seconds": 0, "max_held_runes": 0}
    skip = len(streams) - args.streams if args.streams else 0
    while out["cpu_seconds"] < args.seconds:
        out.update(released=[], received=[], halted=[])
        cpu, wall = time.process_time(), time.perf_counter()
        for s in streams[skip:]:
            tokens, shown, halted, held = peer.stream(s["tokens"])
            out["tokens"] += tokens
            out["released"].append(shown)
            out["received"].append(tokens)
            out["halted"].append(halted)
            out["max_held_runes"] = max(out["max_held_runes"], held)
        out["cpu_seconds"] += time.process_time() - cpu
        out["wall_seconds"] += time.perf_counter() - wall
    for i, s in enumerate(streams[skip:]):  # bytes
        out["received"][i] = len("".join(s["tokens"][: out["received"][i]]).encode())
    out["first"] = skip
    json.dump(out, sys.stdout)


if __name__ == "__main__":
    main()
