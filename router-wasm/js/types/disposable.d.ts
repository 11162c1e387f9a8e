/** `using router = ...`, where the compiler's library knows `Symbol.dispose`; nothing where it does not. */
type DisposeSymbol = SymbolConstructor extends { readonly dispose: infer Key extends symbol } ? Key : never;

export type FreedByUsing = { [Key in DisposeSymbol]: () => void };
