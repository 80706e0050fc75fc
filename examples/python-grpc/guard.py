"""Streams the text of a model through `weir serve` and prints what may be shown.

The model is standard input, read as it comes, or with --fake one that is built
in. Exit codes: 0 the whole text was shown, 3 it was halted, 1 it could not be
judged to its end.
"""

import argparse
import codecs
import os
import sys
import threading
import time

import grpc

from weir.v1 import moderation_pb2 as weir
from weir.v1 import moderation_pb2_grpc as weir_grpc


class Shown:
    """What the reader sees of one text: its released bytes, with the edits applied.

    take and show may be called from two threads.
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.held = bytearray()  # bytes that were sent and are not released
        self.released = 0  # the offset of held[0] in the text
        self.pieces = []  # (start, end, bytes as shown, whether edited); only a withdrawal needs them
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take(self, chunk):
        """Keeps bytes on their way to Weir: it sends offsets back, not text."""
        with self.lock:
            self.held += chunk

    def show(self, verdict):
        """Returns the text that the verdict adds. Verdicts come in order."""
        added = self._release(verdict)
        self.pieces += added
        return self.decoder.decode(b"".join(piece for _, _, piece, _ in added), verdict.final)

    def withdraw(self, verdict):
        """Forgets what was shown from an offset on, also of what the verdict adds, and returns what remains."""
        offset, remaining = verdict.retract_from_offset, []
        for start, end, piece, edited in self.pieces + self._release(verdict):
            if end <= offset:
                remaining.append((start, end, piece, edited))
            elif start < offset and not edited:  # an edit goes as a whole
                remaining.append((start, offset, piece[: offset - start], False))
        self.pieces = remaining
        self.decoder.reset()
        return b"".join(piece for _, _, piece, _ in remaining).decode(errors="replace")

    def _release(self, verdict):
        """Takes what the verdict releases out of held, as pieces with the edits applied."""
        with self.lock:
            added, at = [], self.released
            for edit in verdict.edits:  # ordered, disjoint, within what this verdict releases
                added.append((at, edit.start_offset, self._cut(edit.start_offset), False))
                self._cut(edit.end_offset)
                added.append((edit.start_offset, edit.end_offset, edit.replacement.encode(), True))
                at = edit.end_offset
            added.append((at, verdict.released_offset, self._cut(verdict.released_offset), False))
        return added

    def _cut(self, end):
        """Takes the bytes before offset end out of held."""
        n = end - self.released
        cut = bytes(self.held[:n])
        del self.held[:n]
        self.released = end
        return cut


def guard(stub, opening, model, write):
    """Judges the text of model, a generator of bytes, and writes what may be shown.

    Returns the last verdict and all findings. The model starts when the prompt has passed, and is
    closed as soon as the text halts or the call fails.
    """
    shown = Shown()
    start, stop, stopped = threading.Event(), threading.Event(), threading.Event()

    def requests():  # runs in a thread of the gRPC library
        try:
            yield weir.ModerateRequest(open=opening)
            start.wait()
            while not stop.is_set():
                token = next(model, None)
                if token is None:
                    yield weir.ModerateRequest(finish=True)
                    return
                shown.take(token)
                yield weir.ModerateRequest(chunk=token)
        finally:
            model.close()
            stopped.set()

    verdict, findings = None, []
    call = stub.Moderate(requests())
    if not opening.HasField("prompt"):
        start.set()
    try:
        for response in call:
            verdict = response.verdict
            findings += verdict.findings
            if verdict.action == weir.ACTION_HALT:
                stop.set()  # first of all: what the model makes from here on is wasted
            if not response.prompt:
                if verdict.HasField("retract_from_offset"):
                    write("\n[withdrawn; what remains:]\n" + shown.withdraw(verdict))
                else:
                    write(shown.show(verdict))
            if verdict.action == weir.ACTION_HALT:
                write(f"\n[{verdict.replacement}]")
            start.set()
    finally:
        stop.set()
        start.set()
        call.cancel()  # a call that has ended doesn't mind
        stopped.wait(timeout=1)  # a model that reads standard input may be waiting for it
    return verdict, findings


def fake_model(text, delay):
    """Yields text token by token, and says how far it came."""
    tokens = [word.encode() for word in text.replace(" ", "\0 ").split("\0")]
    made = 0
    try:
        for token in tokens:
            time.sleep(delay)
            made += 1
            yield token
    finally:
        print(f"\nmodel: made {made} of {len(tokens)} tokens", file=sys.stderr)


def standard_input():
    """Yields what standard input has, as it comes and cut anywhere.

    os.read, because sys.stdin would hold a lock that Python needs to exit.
    """
    while chunk := os.read(sys.stdin.fileno(), 4096):
        yield chunk


FAKE_TEXT = (
    "Of course. Pay with the card 4111 1111 1111 1111 and write to me when it is done. "
    "Then I can tell you how to put a zzbomb together from what is in every kitchen: "
    "first take two spoons of sugar, then a glass of water, and stir until it is clear."
)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--target", default="127.0.0.1:7443", help="address, or unix:///path/of/socket")
    arguments.add_argument("--profile", default="", help="profile of the policy")
    arguments.add_argument("--language", default="en", help="of the replacement text, a BCP 47 tag")
    arguments.add_argument("--prompt", help="the prompt, to be judged before the answer")
    arguments.add_argument("--fake", action="store_true", help="use the model that is built in")
    arguments.add_argument("--delay", type=float, default=0.03, help="of a token of the model that is built in, in seconds")
    args = arguments.parse_args()

    opening = weir.OpenStream(profile=args.profile, language=args.language)
    if args.prompt is not None:
        opening.prompt = args.prompt.encode()
    model = fake_model(FAKE_TEXT, args.delay) if args.fake else standard_input()

    def write(text):
        sys.stdout.write(text)
        sys.stdout.flush()

    with grpc.insecure_channel(args.target) as channel:
        try:
            verdict, findings = guard(weir_grpc.ModerationServiceStub(channel), opening, model, write)
        except grpc.RpcError as err:  # what was not released stays hidden
            print(f"\nweir: {err.code().name}: {err.details()}", file=sys.stderr)
            return 1
    print()
    for finding in findings:
        print(f"weir: {finding.explanation}", file=sys.stderr)
    return 3 if verdict.action == weir.ACTION_HALT else 0


if __name__ == "__main__":
    sys.exit(main())
