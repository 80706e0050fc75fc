"""A model server that says what the request asks for: the model's name is a scenario.

It answers in the shapes of the OpenAI and Anthropic APIs, from their documentation, a word at a
time, and tells at GET /record how many answers were broken off by the client.
"""
import http.server
import json
import time

TEXTS = {
    "plain": "a clean answer of some words",
    "halt": "some clean words and then zzbomb and more words that nobody sees",
    "first": "zzbomb is the first word",
    "redact": "call 13812345678 or zzname today",
}
CALLS = {
    "call": '{"to": "everybody", "note": "a clean answer of some words"}',
    "tool": '{"to": "zzname", "note": "a clean answer of some words"}',
    "callhalt": '{"to": "everybody", "note": "zzbomb and more"}',
}
record = {"cancelled": 0, "finished": 0, "keys": []}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(record if self.path == "/record" else {"object": "list", "data": [{"id": "plain", "object": "model", "created": 1, "owned_by": "us"}]})

    def body(self):
        """The request's body, chunked or not."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        body = b""
        while line := self.rfile.readline():
            size = int(line, 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body
        return None  # cut off

    def do_POST(self):
        body = self.body()
        if body is None:
            self.close_connection = True
            return
        request = json.loads(body)
        record["keys"].append(self.headers.get("Authorization") or self.headers.get("x-api-key"))
        api = self.path.rsplit("/", 1)[1]
        events = list(getattr(self, "answer_" + api)(request))
        if not request.get("stream"):
            return self.reply(events[-1])
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for e in events[:-1]:
                if isinstance(e, float):
                    time.sleep(e)
                    continue
                if isinstance(e, dict) and "type" in e:
                    self.wfile.write(f"event: {e['type']}\n".encode())
                self.wfile.write(f"data: {e if isinstance(e, str) else json.dumps(e)}\n\n".encode())
                self.wfile.flush()
                time.sleep(0.02)
            record["finished"] += 1
        except OSError:
            record["cancelled"] += 1

    def answer_completions(self, r):
        """Chat and legacy completions; the last event is the whole answer."""
        chat = "messages" in r
        scenario = r["model"]
        head = {"id": "c1", "object": "chat.completion.chunk" if chat else "text_completion", "created": 1, "model": scenario}
        usage = {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12}

        def chunk(index, delta, finish=None):
            choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish} if chat else \
                {"index": index, "text": delta.get("content", ""), "logprobs": None, "finish_reason": finish}
            return {**head, "choices": [choice]}

        texts = [TEXTS["plain"], TEXTS["halt"]] if scenario == "two" else [TEXTS.get(scenario, TEXTS["plain"])]
        if scenario in CALLS:
            args = CALLS[scenario]
            call = {"id": "t1", "type": "function", "function": {"name": "send_mail", "arguments": args}}
            yield chunk(0, {"role": "assistant", "content": None, "tool_calls": [{**call, "index": 0, "function": {"name": "send_mail", "arguments": ""}}]})
            for i in range(0, len(args), 5):
                yield chunk(0, {"tool_calls": [{"index": 0, "function": {"arguments": args[i:i + 5]}}]})
            yield chunk(0, {}, "tool_calls")
            yield "[DONE]"
            yield {**head, "object": "chat.completion", "choices": [{"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}], "usage": usage}
            return
        if scenario == "stall":
            yield chunk(0, {"role": "assistant", "content": "fine "})
            yield 3.0  # seconds of silence
        if scenario == "broken":
            yield chunk(0, {"role": "assistant", "content": "fine "})
            yield '{"zzbomb'
            for _ in range(100):
                yield chunk(0, {"content": "more "})
            yield "[DONE]"
            yield {}
            return
        for i in range(len(texts)):
            yield chunk(i, {"role": "assistant", "content": ""})
        if scenario == "reason":
            for w in "let me think of zzname here".split(" "):
                yield chunk(0, {"reasoning_content": w + " "})
        words = [t.split(" ") for t in texts]
        for n in range(max(map(len, words))):
            for i, w in enumerate(words):
                if n < len(w):
                    yield chunk(i, {"content": w[n] + " "})
        for i in range(len(texts)):
            yield chunk(i, {}, "stop")
        if r.get("stream_options", {}).get("include_usage"):
            yield {**head, "choices": [], "usage": usage}
        yield "[DONE]"
        choices = [{"index": i, "message": {"role": "assistant", "content": t}, "finish_reason": "stop"} if chat else
                   {"index": i, "text": t, "logprobs": None, "finish_reason": "stop"} for i, t in enumerate(texts)]
        yield {**head, "object": "chat.completion" if chat else "text_completion", "choices": choices, "usage": usage}

    def answer_responses(self, r):
        """An item of reasoning for the scenario reason, then a call or a message."""
        scenario = r["model"]
        number = iter(range(1000))
        output = []

        def event(kind, **more):
            return {"type": "response." + kind, "sequence_number": next(number), **more}

        def response(status):
            usage = {"input_tokens": 3, "output_tokens": 9, "total_tokens": 12, "input_tokens_details": {"cached_tokens": 0},
                     "output_tokens_details": {"reasoning_tokens": 0}} if status == "completed" else None
            return {"id": "r1", "object": "response", "created_at": 1, "model": scenario, "status": status, "output": list(output), "parallel_tool_calls": True,
                    "tool_choice": "auto", "tools": [], "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "usage": usage}

        yield event("created", response=response("in_progress"))
        if scenario == "reason":
            text, at = "let me think of zzname here", {"item_id": "s1", "output_index": 0, "summary_index": 0}
            item = {"id": "s1", "type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}
            yield event("output_item.added", output_index=0, item={**item, "summary": []})
            yield event("reasoning_summary_part.added", **at, part={"type": "summary_text", "text": ""})
            for w in pieces(text):
                yield event("reasoning_summary_text.delta", **at, delta=w)
            yield event("reasoning_summary_text.done", **at, text=text)
            yield event("reasoning_summary_part.done", **at, part=item["summary"][0])
            yield event("output_item.done", output_index=0, item=item)
            output.append(item)
        index = len(output)
        if scenario in CALLS:
            args = CALLS[scenario]
            item = {"id": "f1", "type": "function_call", "status": "completed", "call_id": "t1", "name": "send_mail", "arguments": args}
            yield event("output_item.added", output_index=index, item={**item, "status": "in_progress", "arguments": ""})
            for i in range(0, len(args), 5):
                yield event("function_call_arguments.delta", item_id="f1", output_index=index, delta=args[i:i + 5])
            yield event("function_call_arguments.done", item_id="f1", output_index=index, name="send_mail", arguments=args)
        else:
            text = TEXTS.get(scenario, TEXTS["plain"])
            part = {"type": "output_text", "text": text, "annotations": []}
            item = {"id": "m1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
            at = {"item_id": "m1", "output_index": index, "content_index": 0}
            yield event("output_item.added", output_index=index, item={**item, "status": "in_progress", "content": []})
            yield event("content_part.added", **at, part={**part, "text": ""})
            for w in pieces(text):
                yield event("output_text.delta", **at, delta=w, logprobs=[], obfuscation="xyz")
            yield event("output_text.done", **at, text=text, logprobs=[])
            yield event("content_part.done", **at, part=part)
        yield event("output_item.done", output_index=index, item=item)
        output.append(item)
        yield event("completed", response=response("completed"))
        yield response("completed")

    def answer_messages(self, r):
        """A block of reasoning for the scenario reason, then a call or text."""
        scenario = r["model"]
        blocks = []
        if scenario == "reason":
            blocks.append(({"type": "thinking", "thinking": "let me think of zzname here", "signature": "c2ln"}, "thinking", "thinking_delta"))
        if scenario in CALLS:
            blocks.append(({"type": "tool_use", "id": "t1", "name": "send_mail", "input": json.loads(CALLS[scenario])}, "partial_json", "input_json_delta"))
        else:
            blocks.append(({"type": "text", "text": TEXTS.get(scenario, TEXTS["plain"])}, "text", "text_delta"))
        usage = {"input_tokens": 3, "output_tokens": 9}
        finish = "tool_use" if scenario in CALLS else "end_turn"
        whole = {"id": "m1", "type": "message", "role": "assistant", "model": scenario, "content": [b for b, _, _ in blocks],
                 "stop_reason": finish, "stop_sequence": None, "usage": usage}
        yield {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}
        for i, (block, name, kind) in enumerate(blocks):
            tool = block["type"] == "tool_use"
            text = CALLS[scenario] if tool else block[name]
            yield {"type": "content_block_start", "index": i, "content_block": {**block, "input": {}} if tool else {**block, name: ""}}
            for w in pieces(text):
                yield {"type": "content_block_delta", "index": i, "delta": {"type": kind, name: w}}
            if "signature" in block:
                yield {"type": "content_block_delta", "index": i, "delta": {"type": "signature_delta", "signature": block["signature"]}}
            yield {"type": "content_block_stop", "index": i}
        yield {"type": "message_delta", "delta": {"stop_reason": finish, "stop_sequence": None}, "usage": {"output_tokens": 9}}
        yield {"type": "message_stop"}
        yield whole


def pieces(text):
    """Words, each with the space before it."""
    words = text.split(" ")
    return words[:1] + [" " + w for w in words[1:]]


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
