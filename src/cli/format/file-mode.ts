import type { FileType } from "../../engine/diff-images.ts";

const TYPE_LETTERS: Record<FileType, string> = {
  file: "-",
  directory: "d",
  symlink: "l",
  "char device": "c",
  "block device": "b",
  fifo: "p",
};

/** `-rwsr-xr-x`: type and permission bits as `ls -l` shows them (POSIX, ls, "file mode"). */
export function fileMode(type: FileType, mode: number): string {
  const triple = (shift: number, special: number, letter: string): string => {
    const bits = mode >> shift;
    const x = (bits & 1) !== 0;
    const last = (mode & special) === 0 ? (x ? "x" : "-") : x ? letter : letter.toUpperCase();
    return `${(bits & 4) === 0 ? "-" : "r"}${(bits & 2) === 0 ? "-" : "w"}${last}`;
  };
  // Nothing asks a symbolic link's own bits.
  if (type === "symlink") return "lrwxrwxrwx";
  return TYPE_LETTERS[type] + triple(6, 0o4000, "s") + triple(3, 0o2000, "s") + triple(0, 0o1000, "t");
}
