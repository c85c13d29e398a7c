import { stringFlag } from "../framework/flags.ts";

/** `--format` of the commands that list. */
export const listFormatFlag = stringFlag(
  "Format output using a Go template:\n" +
    "'table':            A table with column titles (default)\n" +
    "'table TEMPLATE':   A table whose rows the template makes\n" +
    "'json':             One JSON object a line\n" +
    "'TEMPLATE':         The template's result for each line",
);

/** `-f, --format` of the commands that show objects. */
export const objectFormatFlag = stringFlag(
  "Format output using a Go template:\n" +
    "'json':             JSON on one line\n" +
    "'TEMPLATE':         The template's result for each object",
  { short: "f" },
);
