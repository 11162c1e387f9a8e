"""Says one prompt through a client library of Python, with a tool that reads a file:

    python3 talk.py chat|responses|messages PROMPT [again]

prints the answer. The conversation is kept in the work folder, and `again` continues it. The address and the key are in
the libraries' own variables.
"""

import json
import sys
from pathlib import Path

NAME = "read_file"
DESCRIPTION = "Reads a file and returns its text"
SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string"}},
    "required": ["path"],
    "additionalProperties": False,
}
TURNS = 3


def read(arguments):
    return Path(json.loads(arguments)["path"]).read_text()


def chat(messages):
    import openai

    tools = [{"type": "function", "function": {"name": NAME, "description": DESCRIPTION, "parameters": SCHEMA}}]
    with openai.OpenAI(max_retries=0).chat.completions.stream(model="auto", messages=messages, tools=tools) as stream:
        message = stream.get_final_completion().choices[0].message
    messages.append(message.model_dump(exclude_none=True, exclude={"parsed"}))
    for call in message.tool_calls or []:
        messages.append({"role": "tool", "tool_call_id": call.id, "content": read(call.function.arguments)})
    return None if message.tool_calls else message.content


def responses(items):
    import openai

    tools = [{"type": "function", "name": NAME, "description": DESCRIPTION, "parameters": SCHEMA, "strict": True}]
    client = openai.OpenAI(max_retries=0)
    with client.responses.stream(model="auto", input=items, tools=tools, store=False) as stream:
        answer = stream.get_final_response()
    calls = [item for item in answer.output if item.type == "function_call"]
    items += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in answer.output]
    items += [{"type": "function_call_output", "call_id": c.call_id, "output": read(c.arguments)} for c in calls]
    return None if calls else answer.output_text


def messages(turns):
    import anthropic

    tools = [{"name": NAME, "description": DESCRIPTION, "input_schema": SCHEMA}]
    asked = {"model": "auto", "max_tokens": 4096, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    with anthropic.Anthropic(max_retries=0).messages.stream(messages=turns, tools=tools, **asked) as stream:
        content = stream.get_final_message().content
    turns.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in content]})
    calls = [block for block in content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": c.id, "content": read(json.dumps(c.input))} for c in calls]
    if results:
        turns.append({"role": "user", "content": results})
    return None if results else "".join(block.text for block in content if block.type == "text")


def main():
    library, prompt, *again = sys.argv[1:]
    kept = Path("conversation.json")
    conversation = json.loads(kept.read_text()) if again else []
    conversation.append({"role": "user", "content": prompt})
    speak = {"chat": chat, "responses": responses, "messages": messages}[library]
    answer = next(filter(None, (speak(conversation) for _ in range(TURNS))), None)
    if answer is None:
        sys.exit(f"no answer after {TURNS} turns")
    print(answer)
    kept.write_text(json.dumps(conversation))


main()
