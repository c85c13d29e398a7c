/** One step down a path of an entry. */
import { isAufsName, isWhiteoutName, name, nameBytes } from "./paths";
import { ERROR_WHITEOUT, fail } from "./state";
import { findOrMakeChild, makeDirectory, TREE_HIDDEN, TreeNode } from "./tree";

/**
 * What the component that `nextName` found is in `directory`: an implied directory if it is not there yet. It need not be a
 * directory. Null after an error.
 */
export function descend(directory: TreeNode): TreeNode | null {
  if (isWhiteoutName() && !isAufsName()) {
    fail(ERROR_WHITEOUT);
    return null;
  }
  const child = findOrMakeChild(directory, name, nameBytes);
  if (child === null) return null;
  if (child.inode === 0) {
    makeDirectory(child, 0);
    if (isAufsName()) child.flags |= TREE_HIDDEN;
  }
  return child;
}
