"""What a user of the official Python clients sees of a guarded model server.

PROXY and UPSTREAM are the addresses of both.
"""
import json
import os
import time
import unittest
import urllib.request

import anthropic
import openai

PROXY, UPSTREAM = os.environ["PROXY"], os.environ["UPSTREAM"]
MESSAGES = [{"role": "user", "content": "hello"}]
CLEAN = "some clean words and then "
client = openai.OpenAI(base_url=PROXY + "/v1", api_key="my-key", max_retries=0)
claude = anthropic.Anthropic(base_url=PROXY, api_key="my-key", max_retries=0)


def record():
    return json.load(urllib.request.urlopen(UPSTREAM + "/record"))


def chat(model, **more):
    """Returns text, reasoning, arguments, finish reasons by index, usage and the chunks."""
    text, reasoning, arguments, finish, usage, chunks = {}, "", "", {}, None, []
    for c in client.chat.completions.create(model=model, messages=MESSAGES, stream=True, **more):
        chunks.append(c)
        usage = c.usage or usage
        for choice in c.choices:
            text[choice.index] = text.get(choice.index, "") + (choice.delta.content or "")
            reasoning += getattr(choice.delta, "reasoning_content", None) or ""
            for call in choice.delta.tool_calls or []:
                arguments += call.function.arguments or ""
            finish[choice.index] = choice.finish_reason or finish.get(choice.index)
    return text, reasoning, arguments, finish, usage, chunks


class Streams(unittest.TestCase):
    def test_plain(self):
        text, _, _, finish, usage, _ = chat("plain", stream_options={"include_usage": True})
        self.assertEqual((text[0], finish[0], usage.total_tokens), ("a clean answer of some words ", "stop", 12))

    def test_halt(self):
        before = record()["cancelled"]
        text, _, _, finish, usage, chunks = chat("halt", stream_options={"include_usage": True})
        self.assertEqual((text[0], finish[0]), (CLEAN, "content_filter"))
        results = [c.choices[0].content_filter_results for c in chunks if c.choices and c.choices[0].finish_reason][0]
        self.assertTrue(results["violence"]["filtered"])
        self.assertEqual(results["weir"]["findings"][0]["start_offset"], len(CLEAN))
        self.assertGreater(usage.completion_tokens, 0)
        for _ in range(100):
            if record()["cancelled"] > before:
                return
            time.sleep(0.02)
        self.fail("the upstream goes on")

    def test_halt_at_first_token(self):
        text, _, _, finish, _, _ = chat("first")
        self.assertEqual((text[0], finish[0]), ("", "content_filter"))

    def test_redaction(self):
        text, _, _, finish, _, _ = chat("redact")
        self.assertEqual((text[0], finish[0]), ("call [cn_mobile] or *** today ", "stop"))

    def test_two_choices(self):
        text, _, _, finish, _, _ = chat("two", n=2)
        self.assertEqual(text, {0: "a clean answer of some words ", 1: CLEAN})
        self.assertEqual(finish, {0: "stop", 1: "content_filter"})

    def test_tool_call(self):
        _, _, arguments, finish, _, _ = chat("tool")
        self.assertEqual(json.loads(arguments)["to"], "***")
        self.assertEqual(finish[0], "tool_calls")

    def test_reasoning(self):
        text, reasoning, _, _, _, _ = chat("reason")
        self.assertEqual((text[0], reasoning), ("a clean answer of some words ", "let me think of *** here "))

    def test_completions(self):
        chunks = list(client.completions.create(model="halt", prompt="hello", stream=True))
        self.assertEqual("".join(c.choices[0].text for c in chunks), CLEAN)
        self.assertEqual(chunks[-1].choices[0].finish_reason, "content_filter")

    def test_responses(self):
        with client.responses.stream(model="halt", input="hello") as stream:
            events = list(stream)
        self.assertEqual("".join(e.delta for e in events if e.type == "response.output_text.delta"), CLEAN)
        last = events[-1].response
        self.assertEqual((last.status, last.incomplete_details.reason, last.output_text), ("incomplete", "content_filter", CLEAN))

    def test_responses_redaction(self):
        with client.responses.stream(model="redact", input="hello") as stream:
            final = stream.get_final_response()
        self.assertEqual((final.status, final.output_text), ("completed", "call [cn_mobile] or *** today"))

    def test_messages(self):
        with claude.messages.stream(model="halt", max_tokens=99, messages=MESSAGES) as stream:
            message = stream.get_final_message()
        self.assertEqual((message.content[0].text, message.stop_reason), (CLEAN, "refusal"))


class Whole(unittest.TestCase):
    def test_chat(self):
        for model, text, finish in [("plain", "a clean answer of some words", "stop"), ("halt", CLEAN, "content_filter"), ("first", "", "content_filter"),
                                    ("redact", "call [cn_mobile] or *** today", "stop")]:
            choice = client.chat.completions.create(model=model, messages=MESSAGES).choices[0]
            self.assertEqual((choice.message.content, choice.finish_reason), (text, finish))

    def test_tool_call(self):
        call = client.chat.completions.create(model="tool", messages=MESSAGES).choices[0].message.tool_calls[0]
        self.assertEqual((call.function.name, json.loads(call.function.arguments)["to"]), ("send_mail", "***"))

    def test_responses(self):
        r = client.responses.create(model="halt", input="hello")
        self.assertEqual((r.output_text, r.status, r.incomplete_details.reason), (CLEAN, "incomplete", "content_filter"))

    def test_messages(self):
        m = claude.messages.create(model="halt", max_tokens=99, messages=MESSAGES)
        self.assertEqual((m.content[0].text, m.stop_reason), (CLEAN, "refusal"))

    def test_blocked_prompt(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            client.chat.completions.create(model="plain", messages=[{"role": "user", "content": "zzbomb"}])
        self.assertEqual(caught.exception.code, "content_filter")
        with self.assertRaises(anthropic.BadRequestError):
            claude.messages.create(model="plain", max_tokens=9, messages=[{"role": "user", "content": "zzbomb"}])

    def test_moderations(self):
        r = client.moderations.create(input=["fine words", "a zzbomb"])
        self.assertEqual([x.flagged for x in r.results], [False, True])
        self.assertTrue(r.results[1].categories.violence)
        self.assertEqual(r.results[1].category_scores.violence, 1)

    def test_untouched(self):
        self.assertEqual([m.id for m in client.models.list()], ["plain"])
        client.chat.completions.create(model="plain", messages=MESSAGES)
        self.assertIn("Bearer my-key", record()["keys"])


class Leaving(unittest.TestCase):
    def test_client_leaves(self):
        before = record()["cancelled"]
        stream = client.chat.completions.create(model="plain", messages=MESSAGES, stream=True)
        next(iter(stream))
        stream.close()
        for _ in range(100):
            if record()["cancelled"] > before:
                return
            time.sleep(0.02)
        self.fail("the upstream goes on")


if __name__ == "__main__":
    unittest.main(verbosity=2)
