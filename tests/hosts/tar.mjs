// Makes an uncompressed tar (POSIX ustar) of files by name.

/** @param {Record<string, Uint8Array>} files */
export function tar(files) {
  const blocks = [];
  for (const [name, content] of Object.entries(files)) {
    blocks.push(header(name, content.length), content);
    blocks.push(new Uint8Array((512 - (content.length % 512)) % 512));
  }
  blocks.push(new Uint8Array(1024));
  return new Uint8Array(Buffer.concat(blocks));
}

/** @param {string} name @param {number} size in bytes */
function header(name, size) {
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write("0000644\0", 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.write("00000000000\0", 136);
  block.write("        ", 148);
  block.write("0", 156);
  block.write("ustar\x0000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
