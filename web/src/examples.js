// Queries of our own, from easy to hard, in several languages.

/** @typedef {"easy" | "middling" | "hard"} Level */

/** @type {{level: Level, language: string, name: string, text: string}[]} */
export const EXAMPLES = [
  { level: "easy", language: "en", name: "A capital", text: "What is the capital of Italy?" },
  { level: "easy", language: "de", name: "Schaltjahr", text: "Wie viele Tage hat der Februar in einem Schaltjahr?" },
  { level: "easy", language: "zh", name: "四季", text: "一年有几个季节？" },
  {
    level: "middling",
    language: "en",
    name: "A thrown ball",
    text: "A ball is thrown upward at 12 m/s from a balcony 9 m above the street. How fast does it hit the street, and after what time?",
  },
  {
    level: "middling",
    language: "es",
    name: "El cielo rojo",
    text: "Explica por qué el cielo se ve rojo al atardecer y azul al mediodía, y qué cambiaría en un planeta con una atmósfera más densa.",
  },
  {
    level: "middling",
    language: "fr",
    name: "Doublons",
    text: "Écris une fonction qui trouve les doublons dans une liste triée, puis donne sa complexité en temps et en mémoire.",
  },
  {
    level: "hard",
    language: "en",
    name: "A lease in court",
    text: "A tenant breaches the lease, and the landlord sues for damages in a state court. The statute requires notice within thirty days. Which argument is most likely to succeed on appeal?",
  },
  {
    level: "hard",
    language: "zh",
    name: "有限群",
    text: "设 G 是一个阶为 pq 的有限群，其中 p < q 均为素数且 p 不整除 q − 1。证明 G 是循环群，并说明每一步用到的定理。",
  },
  {
    level: "hard",
    language: "en",
    name: "Prime ideals",
    text: "Let R be a commutative ring in which every prime ideal is principal. Decide whether every ideal of R must be principal, and prove your answer or give a counterexample.",
  },
];

/**
 * A conversation whose second turn is hard and whose third is small talk.
 * @type {import("./state.js").Turn[]}
 */
export const CONVERSATION = [
  { role: "user", content: "Hello! Can you help me with my homework?" },
  { role: "assistant", content: "Of course. What is it about?" },
  {
    role: "user",
    content:
      "The plaintiff argues that the statute violates the equal protection clause. Which standard of review applies, and which precedent would the court most likely follow?",
  },
  {
    role: "assistant",
    content: "It depends on the classification that the statute makes. A suspect class calls for strict scrutiny.",
  },
  { role: "user", content: "Thanks! Could you say that in one sentence?" },
];
