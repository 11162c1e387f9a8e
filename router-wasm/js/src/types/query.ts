/** A part of a message's content. Parts without text, such as images, are ignored. */
export interface ContentPart {
  /** `text`, `input_text`, `image_url`, ... */
  type?: string;
  text?: string | null;
}

/**
 * A message of a conversation, as OpenAI's chat format has it. Other fields are ignored.
 *
 * The texts of the last eight *user* messages that have any, 262,144 bytes in all, are rated one by one:
 * a harder turn replaces the conversation's rating, an easier one moves it part of the way (see
 * {@link Policy.turnDecay}). System, assistant and tool messages are not rated.
 */
export interface Message {
  /** `system`, `developer`, `user`, `assistant` or `tool`. */
  role: string;
  content?: string | null | readonly ContentPart[];
}

/** The input of a decision: a text, or a conversation, oldest message first. */
export type RouteInput = string | readonly Message[] | { query: string } | { messages: readonly Message[] };
