/** A part of a message's content. What has no text, such as an image, does not count. */
export interface ContentPart {
  /** `text`, `input_text`, `image_url`, ... */
  type?: string;
  text?: string | null;
}

/**
 * A message of a conversation, as OpenAI's chat format has it. Other fields are ignored.
 *
 * The text of each *user* message is rated by itself, the last eight that have any, 262,144 bytes in
 * all: the rating follows a harder turn at once and falls slowly (see {@link Policy.turnDecay}). System,
 * assistant and tool messages are not rated.
 */
export interface Message {
  /** `system`, `developer`, `user`, `assistant` or `tool`. */
  role: string;
  content?: string | null | readonly ContentPart[];
}

/** What to decide on: a text, or a conversation, oldest message first. */
export type RouteInput = string | readonly Message[] | { query: string } | { messages: readonly Message[] };
