"""A guard in Python as people write it: grpc.aio, pyahocorasick, onnxruntime.

It speaks Weir's own Moderate, so that one client loads both. A token is let
through when neither the terms nor the model object to the text up to it. Terms
are looked for in the token and what the longest term may reach back; the model
reads the last --window units again after every --every units.
"""

import argparse
import asyncio
import concurrent.futures
import sys
import unicodedata

import ahocorasick
import grpc
import numpy as np

from weir.v1 import moderation_pb2 as pb
from weir.v1 import moderation_pb2_grpc as pb_grpc


def session(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # as weir serve
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class MiniLM:
    """all-MiniLM-L6-v2 with a fixed head: what a small fine-tuned classifier costs. It never objects."""

    def __init__(self, path, tokenizer, window):
        from tokenizers import Tokenizer

        self.session, self.window = session(path), window
        self.tokenizer = Tokenizer.from_file(tokenizer)
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def units(self, chunk):  # a decoder token counts as one
        return 1

    def score(self, text):
        ids = self.tokenizer.encode(text[-8 * self.window :], add_special_tokens=False).ids[2 - self.window :]
        ids = np.array([[101, *ids, 102]], np.int64)
        return float(self.session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0].max())


class WeirHarm:
    """The project's recurrent model without its state: run over the window from zeros."""

    def __init__(self, path, features, window):
        sys.path.insert(0, features)
        import features as module

        self.features, self.session, self.window = module, session(path), window
        self.width = next(i.shape[1] for i in self.session.get_inputs() if i.name == "state")

    def units(self, chunk):  # runes
        return len(chunk)

    def score(self, text):
        text = unicodedata.normalize("NFKC", text[-self.window :]).lower()
        ids = self.features.ids(np.array([ord(c) for c in text], np.int64))
        ids = np.concatenate([ids, np.zeros((-len(ids) % 16, 4), np.int32)]).reshape(-1, 1, 16, 4)
        state, highest = np.zeros((1, self.width), np.float32), 0.0
        for stride in ids:
            scores, state = self.session.run(["scores", "next_state"], {"ids": stride, "state": state})
            highest = max(highest, float(scores[0, -1].max()))
        return highest


class Guard(pb_grpc.ModerationServiceServicer):
    def __init__(self, terms, model, every):
        self.automaton = ahocorasick.Automaton()
        for term in terms:
            self.automaton.add_word(term, term)
        self.automaton.make_automaton()
        self.overlap = max(map(len, terms)) - 1
        self.model, self.every = model, every
        self.pool = concurrent.futures.ThreadPoolExecutor(1)  # as weir serve: one worker on two cores

    async def Moderate(self, requests, context):
        loop = asyncio.get_running_loop()
        text, received, released, due, halted = "", 0, 0, 0, False
        async for request in requests:
            chunk = request.chunk.decode()
            received += len(request.chunk)
            tail = (text[-self.overlap :] + chunk).lower()
            text += chunk
            halted = next(self.automaton.iter(tail), None) is not None
            if self.model and not halted:
                due += self.model.units(chunk)
                if due >= self.every:
                    due = 0
                    # 2 is out of reach: only the planted term may halt, so that all peers judge as many tokens.
                    halted = await loop.run_in_executor(self.pool, self.model.score, text) >= 2
            if not halted:
                released = received
            action = pb.ACTION_HALT if halted else pb.ACTION_ALLOW
            final = halted or request.finish
            verdict = pb.Verdict(action=action, received_offset=received, scanned_offset=received, released_offset=released, final=final)
            yield pb.ModerateResponse(verdict=verdict)
            if final:
                return


async def serve(args):
    with open(args.terms, encoding="utf-8") as f:
        terms = f.read().split("\n")[:-1]
    model = None
    if args.model == "minilm":
        model = MiniLM(args.graph, args.tokenizer, args.window)
    elif args.model == "weir-harm":
        model = WeirHarm(args.graph, args.features, args.window)
    server = grpc.aio.server()
    pb_grpc.add_ModerationServiceServicer_to_server(Guard(terms, model, args.every), server)
    server.add_insecure_port("unix:" + args.unix)
    await server.start()
    await server.wait_for_termination()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--unix", required=True)
    p.add_argument("--terms", required=True)
    p.add_argument("--model", choices=["none", "minilm", "weir-harm"], default="none")
    p.add_argument("--graph", help="ONNX file of the model")
    p.add_argument("--tokenizer", help="tokenizer.json, of minilm")
    p.add_argument("--features", help="folder of features.py, of weir-harm")
    p.add_argument("--window", type=int, default=128)
    p.add_argument("--every", type=int, default=16)
    asyncio.run(serve(p.parse_args()))


if __name__ == "__main__":
    main()
