"""Records the bytes with which a real server answers, for tests of what reads them.

    python record.py FOLDER SERVER PREFIX OUT

FOLDER is what make.py wrote. Writes OUT/PREFIX-NAME.sse for answers that are streamed and .json for
others: bodies as an HTTP client hands them over, nothing changed. What the server refuses is said
and not written.
"""
import http.client
import json
import pathlib
import sys
import urllib.parse

folder, server, prefix, out = pathlib.Path(sys.argv[1]), urllib.parse.urlparse(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4])
ids = json.loads((folder / "ids.json").read_text())
ZZ, END = str(ids["zz"]), str(ids["end"])
MESSAGES = [{"role": "user", "content": "hello"}]
PARAMETERS = {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"]}
TOOLS = [{"type": "function", "function": {"name": "open_gate", "description": "Opens the gate.", "parameters": PARAMETERS}}]
base = {"model": "tiny", "seed": 7, "temperature": 1}
usage = {"stream_options": {"include_usage": True}}
chat = {**base, "messages": MESSAGES, "max_tokens": 40, "logit_bias": {ZZ: -100}}
# Zero or more sentences, then the term: a sentence has 11 tokens, and the odds for the term are 2 of 17.
term = {**base, "messages": MESSAGES, "max_tokens": 200, "logit_bias": {END: -100}}
completion = {**base, "prompt": "hello", "max_tokens": 40, "logit_bias": {ZZ: -100}}

REQUESTS = [
    ("chat", "/v1/chat/completions", chat),
    ("chat-usage", "/v1/chat/completions", {**chat, **usage}),
    ("chat-term", "/v1/chat/completions", {**term, **usage}),
    ("chat-two", "/v1/chat/completions", {**chat, **usage, "n": 2}),
    ("chat-logprobs", "/v1/chat/completions", {**chat, "logprobs": True, "top_logprobs": 2}),
    ("chat-reasoning", "/v1/chat/completions", {**chat, "chat_template_kwargs": {"think": True}}),
    ("chat-tools", "/v1/chat/completions", {**base, **usage, "messages": MESSAGES, "max_tokens": 40, "tools": TOOLS}),
    ("completions", "/v1/completions", {**completion, **usage}),
    ("completions-two", "/v1/completions", {**completion, "n": 2}),
    ("completions-logprobs", "/v1/completions", {**completion, "logprobs": 2}),
    ("responses", "/v1/responses", {"model": "tiny", "input": "hello", "temperature": 1, "max_output_tokens": 40}),
    ("responses-tools", "/v1/responses", {"model": "tiny", "input": "hello", "max_output_tokens": 40,
                                          "tools": [{"type": "function", "name": "open_gate", "description": "Opens the gate.", "parameters": PARAMETERS}]}),
    ("messages", "/v1/messages", {"model": "tiny", "messages": MESSAGES, "max_tokens": 40, "temperature": 1}),
    ("messages-tools", "/v1/messages", {"model": "tiny", "messages": MESSAGES, "max_tokens": 40,
                                        "tools": [{"name": "open_gate", "description": "Opens the gate.", "input_schema": PARAMETERS}]}),
]
if prefix.startswith("vllm"):
    REQUESTS += [
        ("chat-token-ids", "/v1/chat/completions", {**chat, "return_token_ids": True}),
        ("chat-usage-each", "/v1/chat/completions", {**chat, "stream_options": {"include_usage": True, "continuous_usage_stats": True}}),
    ]

out.mkdir(parents=True, exist_ok=True)
for name, path, request in REQUESTS:
    for stream in (True, False):
        body = {**request, "stream": stream}
        if not stream:
            body.pop("stream_options", None)
        connection = http.client.HTTPConnection(server.hostname, server.port, timeout=120)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", "anthropic-version": "2023-06-01"})
        answer = connection.getresponse()
        data = answer.read()
        what = f"{prefix}-{name}.{'sse' if stream else 'json'}"
        if answer.status != 200:
            print(f"{what}: HTTP {answer.status}: {data[:160]!r}")
            continue
        (out / what).write_bytes(data)
        print(f"{what}: {len(data)} bytes, {answer.getheader('Content-Type')}")
