/** `using router = ...`, where the compiler's library knows `Symbol.dispose`; nothing where it does not. */
type DisposeSymbol = SymbolConstructor extends { readonly dispose: infer Key extends symbol } ? Key : never;

/** What `using` frees at the block's end. */
export type Disposed = { [Key in DisposeSymbol]: () => void };
