"""What an application sees of a real model server behind weir proxy, and what the server did.

    python client.py FOLDER PROXY SERVER

FOLDER is what make.py wrote; PROXY and SERVER are URLs without /v1. Exits with 1 if anything is not
as the page says.
"""
import json
import pathlib
import re
import sys
import time
import urllib.error
import urllib.request

import openai

folder, proxy, server = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
ids = json.loads((folder / "ids.json").read_text())
NEVER_END = {str(ids["end"]): -100}  # logit_bias: what the model may not say
CLEAN = NEVER_END | {str(ids["zz"]): -100}
MANY = 4000
guarded = openai.OpenAI(base_url=proxy + "/v1", api_key="none", max_retries=0)
plain = openai.OpenAI(base_url=server + "/v1", api_key="none", max_retries=0)
HELLO = [{"role": "user", "content": "hello"}]
TOOLS = [{"type": "function", "function": {"name": "open_gate", "description": "Opens the gate.",
          "parameters": {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"]}}}]


def generated():
    """Tokens that the server has made so far, by its metrics."""
    text = urllib.request.urlopen(server + "/metrics").read().decode()
    return int(sum(float(n) for n in re.findall(r"^(?:llamacpp:tokens_predicted_total|vllm:generation_tokens_total)(?:\{.*\})? (\S+)$", text, re.M)))


def settled():
    """generated, when it has stopped growing."""
    n = generated()
    while True:
        time.sleep(1)
        before, n = n, generated()
        if n == before:
            return n


def check(what, ok):
    print(f"  {'ok' if ok else 'WRONG'}: {what}")
    if not ok:
        sys.exit(1)


def stream(client, **more):
    text, finish, results, usage = "", None, None, None
    for chunk in client.chat.completions.create(model="tiny", messages=HELLO, stream=True, seed=7, temperature=1, stream_options={"include_usage": True}, **more):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            if choice.finish_reason:
                finish, results = choice.finish_reason, getattr(choice, "content_filter_results", None)
    return text, finish, results, usage


print("a clean answer, streamed")
text, finish, _, usage = stream(guarded, logit_bias=CLEAN, max_tokens=400)
print(f"  {text[:110]!r}…\n  finish_reason {finish}, {usage.completion_tokens} tokens")
check("it came to its end, and telephone numbers are redacted", finish == "length" and "[cn_mobile]" in text and "13812345678" not in text)

print("the same without Weir")
raw = stream(plain, logit_bias=CLEAN, max_tokens=400)[0]
check("the server itself shows the number", "13812345678" in raw)

print(f"an answer that says the listed term sooner or later; {MANY} tokens are asked for")
before = settled()
# With this header llama.cpp's server goes on without a reader, and shows all of it later: not behind Weir.
resumable = {"X-Conversation-Id": "one"}
text, finish, results, usage = stream(guarded, logit_bias=NEVER_END, max_tokens=MANY, extra_headers=resumable)
made = settled() - before
finding = results["weir"]["findings"][-1]
print(f"  …{text[-60:]!r}\n  finish_reason {finish}: {finding['explanation']}")
check("halted before the term, not a byte of it shown", finish == "content_filter" and results["violence"]["filtered"] and "zz" not in text)
print(f"  the server made {made} tokens of {MANY}; it was cancelled")
check("the server stopped", made < MANY / 4)
try:
    urllib.request.urlopen(proxy + "/v1/stream?conv_id=one")
    check("nothing of it can be fetched", False)
except urllib.error.HTTPError as e:
    check(f"nothing of it can be fetched (HTTP {e.code})", e.code == 404)

print("the same, not streamed")
before = settled()
answer = guarded.chat.completions.create(model="tiny", messages=HELLO, seed=7, temperature=1, logit_bias=NEVER_END, max_tokens=500)
choice = answer.choices[0]
print(f"  …{choice.message.content[-60:]!r}\n  finish_reason {choice.finish_reason}; the server made {settled() - before} tokens: there is nothing to stop")
check("cut before the term", choice.finish_reason == "content_filter" and "zz" not in choice.message.content)

print("completions, streamed")
text, finish = "", None
for chunk in guarded.completions.create(model="tiny", prompt="hello", stream=True, seed=7, temperature=1, logit_bias=NEVER_END, max_tokens=MANY):
    for c in chunk.choices:
        text, finish = text + c.text, c.finish_reason or finish
check(f"finish_reason {finish}, no byte of the term", finish == "content_filter" and "zz" not in text)

print("a tool call, streamed")
name, arguments, finish = "", "", None
for chunk in guarded.chat.completions.create(model="tiny", messages=HELLO, tools=TOOLS, stream=True, max_tokens=100):
    for c in chunk.choices:
        finish = c.finish_reason or finish
        for call in c.delta.tool_calls or []:
            name += call.function.name or ""
            arguments += call.function.arguments or ""
print(f"  {name}({arguments}), finish_reason {finish}")
check("called, with the number redacted", name == "open_gate" and finish == "tool_calls" and "13812345678" not in arguments and json.loads(arguments))

print("a prompt with the listed term")
try:
    guarded.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "say zzterm-0001"}])
    check("refused", False)
except openai.BadRequestError as e:
    print(f"  HTTP {e.status_code}, code {e.code}")
    check("refused", e.code == "content_filter")
