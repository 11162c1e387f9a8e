// What each client did, for the table of docs/CLIENTS.md.
export function record() {}
