"""An application that asks a guarded model, with OpenAI's own client, and deals with what Weir does.

    python app.py BASE_URL [MODEL…]

BASE_URL is weir proxy's, with /v1. The models of scripts/clients/upstream.py are named after what they say.
"""
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="passed on to the model server")


def ask(model, text):
    """Prints an answer as it comes, and then what a user has to be told."""
    print(f"\n[{model}] > {text}\n  ", end="")
    try:
        stream = client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], stream=True)
    except openai.BadRequestError as e:
        if e.code != "content_filter":
            raise
        # The prompt itself is refused; the model has not seen it.
        print(f"(refused: {e.body['message']})")
        explain(e.body["innererror"]["content_filter_result"])
        return
    finish, results = None, None
    try:
        for chunk in stream:
            for choice in chunk.choices:
                # All that comes may be shown at once: what is not cleared is not sent.
                print(choice.delta.content or "", end="", flush=True)
                finish = choice.finish_reason or finish
                # Only some chunks have it, and OpenAI's types do not know it: getattr.
                results = getattr(choice, "content_filter_results", None) or results
    except openai.APIError as e:
        # The stream broke off: the model server failed, or Weir could not judge. What was shown was cleared.
        print(f"\n  (broken off: {e})")
        return
    print(f"\n  finish_reason: {finish}")
    if finish == "content_filter":
        # Cut short: tell the user, and keep it out of the history that goes with the next question.
        print("  (stopped)")
    explain(results)


def explain(results):
    """Prints content_filter_results: Azure's categories, and under weir each finding."""
    if not results:
        return
    acted = [c for c, r in results.items() if c != "weir" and r.get("filtered")]
    print(f"  filtered: {', '.join(acted) or 'no category'}")
    for f in results.get("weir", {}).get("findings", []):
        print(f"  {f['action']}: {f['category']} ({f['severity']}) in {f['channel']}, bytes {f['start_offset']} to {f['end_offset']}, by {f['source']}")


for model in sys.argv[2:] or ["plain", "halt", "first", "redact"]:
    ask(model, "hello")
ask("plain", "tell me of the zzbomb")

print("\n[halt, not streamed]")
choice = client.chat.completions.create(model="halt", messages=[{"role": "user", "content": "hello"}]).choices[0]
print(f"  {choice.message.content!r}, finish_reason: {choice.finish_reason}")
explain(choice.content_filter_results)

print("\n[moderations]")
result = client.moderations.create(input="a word on the zzbomb").results[0]
print(f"  flagged: {result.flagged}, violence: {result.category_scores.violence}")
