// What a user of the official JavaScript clients sees of a guarded model server.
// PROXY and UPSTREAM are the addresses of both. clients_test.py has the same checks
// for the Python clients.
import assert from "node:assert/strict";
import test from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.PROXY + "/v1", apiKey: "my-key", maxRetries: 0 });
const claude = new Anthropic({ baseURL: process.env.PROXY, apiKey: "my-key", maxRetries: 0 });
const messages = [{ role: "user", content: "hello" }];
const plain = "a clean answer of some words", clean = "some clean words and then ", edited = "call [cn_mobile] or *** today";
const calls = [["call", "everybody"], ["tool", "***"]];

const cancelled = async () => (await (await fetch(process.env.UPSTREAM + "/record")).json()).cancelled;

async function assertCancelled(before) {
  for (let i = 0; i < 100; i++) {
    if (await cancelled() > before) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  assert.fail("the upstream goes on");
}

async function chat(model, more = {}) {
  const text = {}, finish = {};
  let args = "", reasoning = "", usage = null, results = null;
  for await (const chunk of await client.chat.completions.create({ model, messages, stream: true, ...more })) {
    usage = chunk.usage ?? usage;
    for (const c of chunk.choices) {
      text[c.index] = (text[c.index] ?? "") + (c.delta.content ?? "");
      reasoning += c.delta.reasoning_content ?? "";
      for (const call of c.delta.tool_calls ?? []) args += call.function.arguments ?? "";
      finish[c.index] = c.finish_reason ?? finish[c.index];
      results = c.content_filter_results ?? results;
    }
  }
  return { text, finish, args, reasoning, usage, results };
}

test("chat: a clean stream, with usage", async () => {
  const r = await chat("plain", { stream_options: { include_usage: true } });
  assert.deepEqual([r.text[0], r.finish[0], r.usage.total_tokens], [plain + " ", "stop", 12]);
});

test("chat: a halt", async () => {
  const before = await cancelled();
  const r = await chat("halt", { stream_options: { include_usage: true } });
  assert.deepEqual([r.text[0], r.finish[0]], [clean, "content_filter"]);
  assert.ok(r.results.violence.filtered && r.usage.completion_tokens > 0);
  assert.equal(r.results.weir.findings[0].start_offset, clean.length);
  await assertCancelled(before);
});

test("chat: a halt at the first token", async () => {
  const before = await cancelled();
  const r = await chat("first");
  assert.deepEqual([r.text[0], r.finish[0]], ["", "content_filter"]);
  await assertCancelled(before);
});

test("chat: a redaction", async () => {
  const r = await chat("redact");
  assert.deepEqual([r.text[0], r.finish[0]], [edited + " ", "stop"]);
});

test("chat: two choices", async () => {
  const r = await chat("two", { n: 2 });
  assert.deepEqual(r.text, { 0: plain + " ", 1: clean });
  assert.deepEqual(r.finish, { 0: "stop", 1: "content_filter" });
});

test("chat: tool calls", async () => {
  for (const [model, to] of calls) {
    const r = await chat(model);
    assert.deepEqual([JSON.parse(r.args), r.finish[0]], [{ to, note: plain }, "tool_calls"]);
  }
});

test("chat: a halt in a tool call", async () => {
  const r = await chat("callhalt");
  assert.deepEqual([r.args, r.finish[0]], ['{"to": "everybody", "note": "', "content_filter"]);
});

test("chat: reasoning", async () => {
  const r = await chat("reason");
  assert.deepEqual([r.text[0], r.reasoning], [plain + " ", "let me think of *** here "]);
});

test("chat: the helper that gathers a stream", async () => {
  const completion = await client.chat.completions.stream({ model: "redact", messages }).finalChatCompletion();
  assert.equal(completion.choices[0].message.content, edited + " ");
});

test("completions", async () => {
  for (const [model, text, finish] of [["plain", plain + " ", "stop"], ["halt", clean, "content_filter"], ["first", "", "content_filter"], ["redact", edited + " ", "stop"]]) {
    let got = "", last;
    for await (const chunk of await client.completions.create({ model, prompt: "hello", stream: true })) {
      got += chunk.choices[0].text;
      last = chunk.choices[0].finish_reason;
    }
    assert.deepEqual([got, last], [text, finish]);
  }
});

async function respond(model) {
  const said = {}, types = [];
  const stream = client.responses.stream({ model, input: "hello" });
  let last;
  for await (const e of stream) {
    types.push(e.type);
    if (e.type.endsWith(".delta")) said[e.type] = (said[e.type] ?? "") + e.delta;
    last = e.response ?? last;
  }
  return { said, types, last, gathered: await stream.finalResponse().catch((e) => e) };
}

test("responses: a clean stream, with usage", async () => {
  const r = await respond("plain");
  assert.deepEqual([r.said["response.output_text.delta"], r.gathered.output_text, r.last.status, r.last.usage.total_tokens], [plain, plain, "completed", 12]);
});

test("responses: a halt", async () => {
  const before = await cancelled();
  const r = await respond("halt");
  assert.equal(r.said["response.output_text.delta"], clean);
  assert.deepEqual([r.last.status, r.last.incomplete_details.reason, r.last.output[0].content[0].text], ["incomplete", "content_filter", clean]);
  await assertCancelled(before);
});

test("responses: a halt at the first token", async () => {
  const r = await respond("first");
  assert.deepEqual([r.said["response.output_text.delta"], r.last.status], [undefined, "incomplete"]);
});

test("responses: a redaction", async () => {
  const r = await respond("redact");
  assert.deepEqual([r.said["response.output_text.delta"], r.gathered.output_text, r.last.status], [edited, edited, "completed"]);
});

test("responses: tool calls", async () => {
  for (const [model, to] of calls) {
    const r = await respond(model);
    assert.deepEqual(JSON.parse(r.said["response.function_call_arguments.delta"]), { to, note: plain });
    assert.deepEqual([r.gathered.output[0].name, JSON.parse(r.gathered.output[0].arguments).to], ["send_mail", to]);
  }
});

test("responses: a halt in a tool call", async () => {
  const r = await respond("callhalt");
  assert.deepEqual([r.last.status, r.last.output[0].status], ["incomplete", "incomplete"]);
  assert.ok(!r.types.includes("response.function_call_arguments.done"));
});

test("responses: reasoning", async () => {
  const r = await respond("reason");
  assert.equal(r.said["response.reasoning_summary_text.delta"], "let me think of *** here");
  assert.deepEqual([r.gathered.output[0].summary[0].text, r.gathered.output_text], ["let me think of *** here", plain]);
});

const told = [["plain", plain, "end_turn"], ["halt", clean, "refusal"], ["first", "", "refusal"], ["redact", edited, "end_turn"]];

test("messages, streamed", async () => {
  const stream = (model) => claude.messages.stream({ model, max_tokens: 99, messages }).finalMessage();
  for (const [model, text, stop] of told) {
    const m = await stream(model);
    assert.deepEqual([m.content[0].text, m.stop_reason], [text, stop]);
  }
  for (const [model, to] of calls) assert.deepEqual((await stream(model)).content[0].input, { to, note: plain });
  assert.equal((await stream("callhalt")).stop_reason, "refusal");
  const m = await stream("reason");
  assert.deepEqual([m.content[0].thinking, m.content[1].text], ["let me think of *** here", plain]);
});

test("messages, whole", async () => {
  for (const [model, text, stop] of told) {
    const m = await claude.messages.create({ model, max_tokens: 99, messages });
    assert.deepEqual([m.content[0].text, m.stop_reason], [text, stop]);
  }
  assert.deepEqual((await claude.messages.create({ model: "tool", max_tokens: 99, messages })).content[0].input, { to: "***", note: plain });
});

test("chat, whole", async () => {
  for (const [model, text, finish] of [["plain", plain, "stop"], ["halt", clean, "content_filter"], ["first", "", "content_filter"], ["redact", edited, "stop"]]) {
    const r = await client.chat.completions.create({ model, messages });
    assert.deepEqual([r.choices[0].message.content, r.choices[0].finish_reason, r.usage.total_tokens], [text, finish, 12]);
  }
  const two = await client.chat.completions.create({ model: "two", messages, n: 2 });
  assert.deepEqual(two.choices.map((c) => [c.message.content, c.finish_reason]), [[plain, "stop"], [clean, "content_filter"]]);
});

test("chat, whole: tool calls", async () => {
  for (const [model, to] of calls) {
    const call = (await client.chat.completions.create({ model, messages })).choices[0].message.tool_calls[0].function;
    assert.deepEqual([call.name, JSON.parse(call.arguments)], ["send_mail", { to, note: plain }]);
  }
  const choice = (await client.chat.completions.create({ model: "callhalt", messages })).choices[0];
  assert.deepEqual([choice.finish_reason, choice.message.tool_calls], ["content_filter", undefined]);
});

test("responses, whole", async () => {
  for (const [model, text, status] of [["plain", plain, "completed"], ["halt", clean, "incomplete"], ["first", "", "incomplete"], ["redact", edited, "completed"]]) {
    const r = await client.responses.create({ model, input: "hello" });
    assert.deepEqual([r.output_text, r.status, r.incomplete_details?.reason], [text, status, status === "incomplete" ? "content_filter" : undefined]);
  }
  assert.equal(JSON.parse((await client.responses.create({ model: "tool", input: "hello" })).output[0].arguments).to, "***");
});

test("a blocked prompt", async () => {
  const blocked = [{ role: "user", content: "zzbomb" }];
  await assert.rejects(client.chat.completions.create({ model: "plain", messages: blocked }),
    (e) => e instanceof OpenAI.BadRequestError && e.code === "content_filter");
  await assert.rejects(client.responses.create({ model: "plain", input: "zzbomb", stream: true }), OpenAI.BadRequestError);
  await assert.rejects(claude.messages.create({ model: "plain", max_tokens: 9, messages: blocked }), Anthropic.BadRequestError);
});

test("moderations", async () => {
  const r = await client.moderations.create({ input: "a zzbomb" });
  assert.ok(r.results[0].flagged && r.results[0].categories.violence);
});

test("a client that leaves", async () => {
  const before = await cancelled();
  for await (const _ of await client.chat.completions.create({ model: "plain", messages, stream: true })) break;
  await assertCancelled(before);
});
