// The type of the package's binary files as a bundler's loader for files gives them: no script stands behind
// it, so that it is declared here.

/** The file's address, as a bundler's loader for files gives it. */
declare const url: string;
export default url;
