import { type ErrorCode, GantryError } from "../errors/index.ts";
import { displayBytes } from "./display-bytes.ts";

/** What the layer kernel says of an error; `text` is what the message quotes. */
export interface LayerErrorPosition {
  path: Uint8Array;
  text: Uint8Array;
  layer: number;
}

type Explain = (path: string, text: string, layer: number) => [code: ErrorCode, message: string];

const PUTTING = "cannot put";

/** By ERROR_* of wasm/layer/state.ts. */
const EXPLANATIONS: Record<number, Explain> = {
  1: () => ["INTERNAL", "an entry record is malformed"],
  2: (_path, _text, layer) => ["LAYER_INDEX_INVALID", `the index of layer ${layer} is damaged, or not a layer index`],
  3: () => ["LAYER_INVALID", "the layer's index does not fit into 4 GiB of memory"],
  4: (path) => ["LAYER_PATH_ESCAPES", `${PUTTING} "${path}" into the layer: it leads out of the root by ".."`],
  5: (path, text) => [
    "LAYER_PATH_THROUGH_NON_DIRECTORY",
    `${PUTTING} "${path}" into the layer: it leads through "${text}", which is not a directory in this layer`,
  ],
  6: (path, text) => [
    "LAYER_INVALID",
    `${PUTTING} "${path}" into the layer: the name "${text}" is longer than 255 bytes`,
  ],
  7: (path) => ["LAYER_INVALID", `${PUTTING} "${path}" into the layer: it holds a NUL byte`],
  8: (path) => ["LAYER_INVALID", `${PUTTING} "${path}" into the layer: the root can only be a directory`],
  9: (path) => ["LAYER_INVALID", `${PUTTING} "${path}" into the layer: it is not a usable whiteout`],
  10: (path, text) => ["LAYER_LINK_TO_DIRECTORY", `cannot hard-link "${path}" to "${text}": that is a directory`],
  11: (path, text, layer) => [
    "LAYER_LINK_TARGET_MISSING",
    `cannot hard-link "${path}" to "${text}", as layer ${layer} wants: neither it nor a layer below has such a file`,
  ],
  12: (path) => ["LAYER_INVALID", `cannot hard-link "${path}": the link has no target`],
  13: (path, text) => [
    "LAYER_PATH_THROUGH_NON_DIRECTORY",
    `${PUTTING} "${path}" into the layer: it leads through the symbolic link "${text}", which leads to no directory that this layer has by then`,
  ],
  14: (path, text) => [
    "LAYER_PATH_THROUGH_NON_DIRECTORY",
    `${PUTTING} "${path}" into the layer: it leads through "${text}", and so through more than 40 symbolic links or 4096 bytes of them`,
  ],
  15: (path) => [
    "LAYER_PATH_THROUGH_NON_DIRECTORY",
    `${PUTTING} "${path}" into the layer: it would replace what its own path leads through`,
  ],
  16: (path, text) => [
    "LAYER_LINK_TARGET_MISSING",
    `cannot hard-link "${path}" to what a symbolic link leads to: this layer has no "${text}" by then`,
  ],
};

/** The error for an ERROR_* number of the kernel. */
export function layerError(error: number, at: LayerErrorPosition): GantryError {
  const path = displayBytes(at.path);
  const text = displayBytes(at.text);
  const [code, message] = EXPLANATIONS[error]!(path, text, at.layer);
  return new GantryError(code, message, { details: { path, text, layer: at.layer } });
}
