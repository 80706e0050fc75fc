// What a user of the official JavaScript client sees of a guarded model server.
// PROXY is its address.
import assert from "node:assert/strict";
import test from "node:test";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.PROXY + "/v1", apiKey: "my-key", maxRetries: 0 });
const messages = [{ role: "user", content: "hello" }];
const clean = "some clean words and then ";

async function chat(model, more = {}) {
  const text = {}, finish = {};
  let args = "", usage = null;
  for await (const chunk of await client.chat.completions.create({ model, messages, stream: true, ...more })) {
    usage = chunk.usage ?? usage;
    for (const c of chunk.choices) {
      text[c.index] = (text[c.index] ?? "") + (c.delta.content ?? "");
      for (const call of c.delta.tool_calls ?? []) args += call.function.arguments ?? "";
      finish[c.index] = c.finish_reason ?? finish[c.index];
    }
  }
  return { text, finish, args, usage };
}

test("a clean stream, with usage", async () => {
  const r = await chat("plain", { stream_options: { include_usage: true } });
  assert.deepEqual([r.text[0], r.finish[0], r.usage.total_tokens], ["a clean answer of some words ", "stop", 12]);
});

test("a halt", async () => {
  const r = await chat("halt");
  assert.deepEqual([r.text[0], r.finish[0]], [clean, "content_filter"]);
});

test("a halt at the first token", async () => {
  const r = await chat("first");
  assert.deepEqual([r.text[0], r.finish[0]], ["", "content_filter"]);
});

test("a redaction", async () => {
  assert.equal((await chat("redact")).text[0], "call [cn_mobile] or *** today ");
});

test("two choices", async () => {
  const r = await chat("two", { n: 2 });
  assert.deepEqual(r.text, { 0: "a clean answer of some words ", 1: clean });
  assert.deepEqual(r.finish, { 0: "stop", 1: "content_filter" });
});

test("a tool call", async () => {
  assert.equal(JSON.parse((await chat("tool")).args).to, "***");
});

test("the helper that gathers a stream", async () => {
  const completion = await client.chat.completions.stream({ model: "redact", messages }).finalChatCompletion();
  assert.equal(completion.choices[0].message.content, "call [cn_mobile] or *** today ");
});

test("whole answers", async () => {
  const r = await client.chat.completions.create({ model: "halt", messages });
  assert.deepEqual([r.choices[0].message.content, r.choices[0].finish_reason], [clean, "content_filter"]);
});

test("responses", async () => {
  const final = await client.responses.stream({ model: "redact", input: "hello" }).finalResponse();
  assert.equal(final.output_text, "call [cn_mobile] or *** today");
  const whole = await client.responses.create({ model: "halt", input: "hello" });
  assert.deepEqual([whole.output_text, whole.status, whole.incomplete_details.reason], [clean, "incomplete", "content_filter"]);
});

test("a blocked prompt", async () => {
  await assert.rejects(client.chat.completions.create({ model: "plain", messages: [{ role: "user", content: "zzbomb" }] }),
    (e) => e instanceof OpenAI.BadRequestError && e.code === "content_filter");
});

test("moderations", async () => {
  const r = await client.moderations.create({ input: "a zzbomb" });
  assert.ok(r.results[0].flagged && r.results[0].categories.violence);
});
