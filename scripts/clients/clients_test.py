"""What a user of the official Python clients sees of a guarded model server.

PROXY and UPSTREAM are the addresses of both. clients.test.mjs has the same checks
for the JavaScript clients.
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
PLAIN, CLEAN, EDITED = "a clean answer of some words", "some clean words and then ", "call [cn_mobile] or *** today"
client = openai.OpenAI(base_url=PROXY + "/v1", api_key="my-key", max_retries=0)
claude = anthropic.Anthropic(base_url=PROXY, api_key="my-key", max_retries=0)


def record():
    return json.load(urllib.request.urlopen(UPSTREAM + "/record"))


class Test(unittest.TestCase):
    def assertCancelled(self, before):
        for _ in range(100):
            if record()["cancelled"] > before:
                return
            time.sleep(0.02)
        self.fail("the upstream goes on")


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


class ChatStreams(Test):
    def test_plain_with_usage(self):
        text, _, _, finish, usage, _ = chat("plain", stream_options={"include_usage": True})
        self.assertEqual((text[0], finish[0], usage.total_tokens), (PLAIN + " ", "stop", 12))

    def test_halt(self):
        before = record()["cancelled"]
        text, _, _, finish, usage, chunks = chat("halt", stream_options={"include_usage": True})
        self.assertEqual((text[0], finish[0]), (CLEAN, "content_filter"))
        results = [c.choices[0].content_filter_results for c in chunks if c.choices and c.choices[0].finish_reason][0]
        self.assertTrue(results["violence"]["filtered"])
        self.assertEqual(results["weir"]["findings"][0]["start_offset"], len(CLEAN))
        self.assertGreater(usage.completion_tokens, 0)
        self.assertCancelled(before)

    def test_halt_at_first_token(self):
        before = record()["cancelled"]
        text, _, _, finish, _, _ = chat("first")
        self.assertEqual((text[0], finish[0]), ("", "content_filter"))
        self.assertCancelled(before)

    def test_redaction(self):
        text, _, _, finish, _, _ = chat("redact")
        self.assertEqual((text[0], finish[0]), (EDITED + " ", "stop"))

    def test_two_choices(self):
        text, _, _, finish, _, _ = chat("two", n=2)
        self.assertEqual(text, {0: PLAIN + " ", 1: CLEAN})
        self.assertEqual(finish, {0: "stop", 1: "content_filter"})

    def test_tool_calls(self):
        for model, to in [("call", "everybody"), ("tool", "***")]:
            _, _, arguments, finish, _, _ = chat(model)
            self.assertEqual((json.loads(arguments), finish[0]), ({"to": to, "note": PLAIN}, "tool_calls"))

    def test_halt_in_tool_call(self):
        _, _, arguments, finish, _, _ = chat("callhalt")
        self.assertEqual((arguments, finish[0]), ('{"to": "everybody", "note": "', "content_filter"))

    def test_reasoning(self):
        text, reasoning, _, _, _, _ = chat("reason")
        self.assertEqual((text[0], reasoning), (PLAIN + " ", "let me think of *** here "))

    def test_helper(self):
        with client.chat.completions.stream(model="redact", messages=MESSAGES) as stream:
            self.assertEqual(stream.get_final_completion().choices[0].message.content, EDITED + " ")

    def test_completions(self):
        for model, text, finish in [("plain", PLAIN + " ", "stop"), ("halt", CLEAN, "content_filter"), ("first", "", "content_filter"), ("redact", EDITED + " ", "stop")]:
            chunks = list(client.completions.create(model=model, prompt="hello", stream=True))
            self.assertEqual(("".join(c.choices[0].text for c in chunks), chunks[-1].choices[0].finish_reason), (text, finish))


class ResponsesStreams(Test):
    def stream(self, model):
        with client.responses.stream(model=model, input="hello") as stream:
            events = list(stream)
        return events, events[-1].response

    def said(self, events, kind):
        return "".join(e.delta for e in events if e.type == f"response.{kind}.delta")

    def test_plain_with_usage(self):
        events, final = self.stream("plain")
        self.assertEqual((self.said(events, "output_text"), final.output_text, final.status, final.usage.total_tokens), (PLAIN, PLAIN, "completed", 12))

    def test_halt(self):
        before = record()["cancelled"]
        events, final = self.stream("halt")
        self.assertEqual(self.said(events, "output_text"), CLEAN)
        self.assertEqual((final.status, final.incomplete_details.reason, final.output_text), ("incomplete", "content_filter", CLEAN))
        self.assertCancelled(before)

    def test_halt_at_first_token(self):
        events, final = self.stream("first")
        self.assertEqual((self.said(events, "output_text"), final.output_text, final.status), ("", "", "incomplete"))

    def test_redaction(self):
        events, final = self.stream("redact")
        self.assertEqual((self.said(events, "output_text"), final.output_text, final.status), (EDITED, EDITED, "completed"))

    def test_tool_calls(self):
        for model, to in [("call", "everybody"), ("tool", "***")]:
            events, final = self.stream(model)
            self.assertEqual(json.loads(self.said(events, "function_call_arguments")), {"to": to, "note": PLAIN})
            self.assertEqual((final.output[0].name, json.loads(final.output[0].arguments)["to"]), ("send_mail", to))

    def test_halt_in_tool_call(self):
        events, final = self.stream("callhalt")
        self.assertEqual((final.status, final.output[0].status), ("incomplete", "incomplete"))
        self.assertNotIn("response.function_call_arguments.done", [e.type for e in events])

    def test_reasoning(self):
        events, final = self.stream("reason")
        self.assertEqual(self.said(events, "reasoning_summary_text"), "let me think of *** here")
        self.assertEqual((final.output[0].summary[0].text, final.output_text), ("let me think of *** here", PLAIN))


class MessagesStreams(Test):
    def stream(self, model):
        with claude.messages.stream(model=model, max_tokens=99, messages=MESSAGES) as stream:
            return stream.get_final_message()

    def test_texts(self):
        for model, text, stop in [("plain", PLAIN, "end_turn"), ("halt", CLEAN, "refusal"), ("first", "", "refusal"), ("redact", EDITED, "end_turn")]:
            m = self.stream(model)
            self.assertEqual((m.content[0].text, m.stop_reason), (text, stop))

    def test_tool_calls(self):
        for model, to in [("call", "everybody"), ("tool", "***")]:
            m = self.stream(model)
            self.assertEqual((m.content[0].input, m.stop_reason), ({"to": to, "note": PLAIN}, "tool_use"))

    def test_halt_in_tool_call(self):
        self.assertEqual(self.stream("callhalt").stop_reason, "refusal")

    def test_reasoning(self):
        m = self.stream("reason")
        self.assertEqual((m.content[0].thinking, m.content[1].text), ("let me think of *** here", PLAIN))


class Whole(Test):
    def test_chat(self):
        for model, text, finish in [("plain", PLAIN, "stop"), ("halt", CLEAN, "content_filter"), ("first", "", "content_filter"), ("redact", EDITED, "stop")]:
            r = client.chat.completions.create(model=model, messages=MESSAGES)
            self.assertEqual((r.choices[0].message.content, r.choices[0].finish_reason, r.usage.total_tokens), (text, finish, 12))

    def test_two_choices(self):
        r = client.chat.completions.create(model="two", messages=MESSAGES, n=2)
        self.assertEqual([(c.message.content, c.finish_reason) for c in r.choices], [(PLAIN, "stop"), (CLEAN, "content_filter")])

    def test_tool_calls(self):
        for model, to in [("call", "everybody"), ("tool", "***")]:
            call = client.chat.completions.create(model=model, messages=MESSAGES).choices[0].message.tool_calls[0]
            self.assertEqual((call.function.name, json.loads(call.function.arguments)), ("send_mail", {"to": to, "note": PLAIN}))
        choice = client.chat.completions.create(model="callhalt", messages=MESSAGES).choices[0]
        self.assertEqual((choice.finish_reason, choice.message.tool_calls), ("content_filter", None))

    def test_responses(self):
        for model, text, status in [("plain", PLAIN, "completed"), ("halt", CLEAN, "incomplete"), ("first", "", "incomplete"), ("redact", EDITED, "completed")]:
            r = client.responses.create(model=model, input="hello")
            self.assertEqual((r.output_text, r.status), (text, status))
            self.assertEqual(r.incomplete_details and r.incomplete_details.reason, "content_filter" if status == "incomplete" else None)
        self.assertEqual(json.loads(client.responses.create(model="tool", input="hello").output[0].arguments)["to"], "***")
        self.assertEqual(client.responses.create(model="callhalt", input="hello").output, [])

    def test_messages(self):
        for model, text, stop in [("plain", PLAIN, "end_turn"), ("halt", CLEAN, "refusal"), ("first", "", "refusal"), ("redact", EDITED, "end_turn")]:
            m = claude.messages.create(model=model, max_tokens=99, messages=MESSAGES)
            self.assertEqual((m.content[0].text, m.stop_reason), (text, stop))
        m = claude.messages.create(model="tool", max_tokens=99, messages=MESSAGES)
        self.assertEqual(m.content[0].input, {"to": "***", "note": PLAIN})

    def test_blocked_prompt(self):
        blocked = [{"role": "user", "content": "zzbomb"}]
        with self.assertRaises(openai.BadRequestError) as caught:
            client.chat.completions.create(model="plain", messages=blocked)
        self.assertEqual(caught.exception.code, "content_filter")
        with self.assertRaises(openai.BadRequestError):
            client.responses.create(model="plain", input="zzbomb", stream=True)
        with self.assertRaises(anthropic.BadRequestError):
            claude.messages.create(model="plain", max_tokens=9, messages=blocked)

    def test_moderations(self):
        r = client.moderations.create(input=["fine words", "a zzbomb"])
        self.assertEqual([x.flagged for x in r.results], [False, True])
        self.assertTrue(r.results[1].categories.violence)
        self.assertEqual(r.results[1].category_scores.violence, 1)

    def test_untouched(self):
        self.assertEqual([m.id for m in client.models.list()], ["plain"])
        client.chat.completions.create(model="plain", messages=MESSAGES)
        self.assertIn("Bearer my-key", record()["keys"])


class Leaving(Test):
    def test_client_leaves(self):
        before = record()["cancelled"]
        stream = client.chat.completions.create(model="plain", messages=MESSAGES, stream=True)
        next(iter(stream))
        stream.close()
        self.assertCancelled(before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
