// The default bundle's bytes as part of a Worker's script: about 1.5 MB of the script's size limit.

export { default } from "./pkg/default-bundle.bin";
