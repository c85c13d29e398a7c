import { GantryError } from "../../../errors/index.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag, stringFlag } from "../../framework/flags.ts";
import { parseMoment } from "../../format/moment.ts";

export const command = defineCommand({
  summary: "Fetch the logs of a container",
  operands: { synopsis: "CONTAINER", min: 1, max: 1, completes: "container" },
  flags: {
    details: boolFlag("Show extra details provided to logs"),
    follow: boolFlag("Follow log output", { short: "f" }),
    since: stringFlag('Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m")'),
    tail: stringFlag("Number of lines to show from the end of the logs", { short: "n", default: "all" }),
    timestamps: boolFlag("Show timestamps", { short: "t" }),
    until: stringFlag('Show logs before timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m")'),
  },
  examples: [{ says: "The last ten lines and what comes", line: "gantry logs -f -n 10 web" }],
  async run(context, { flags, operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { containerLogs } = await import("../../../engine/container-logs.ts");
    const now = Date.now();
    const options = {
      follow: flags.follow,
      tail: tailLines(flags.tail),
      sinceMs: flags.since === "" ? undefined : parseMoment(flags.since, now),
      untilMs: flags.until === "" ? undefined : parseMoment(flags.until, now),
      signal: context.signal,
    };
    await containerLogs(openStore(context.storeRoot), operands[0] ?? "", options, ({ log, stream, time }) => {
      const output = stream === "stderr" ? context.stderr : context.stdout;
      output.write(flags.timestamps ? `${time} ${log}` : log);
    });
    return 0;
  },
});

/** A number of lines; `all`, or what is no number of lines, is no limit, as in Docker. */
function tailLines(text: string): number | undefined {
  if (text === "all" || /^-\d+$/.test(text)) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new GantryError("USAGE", `invalid value for tail: ${JSON.stringify(text)}`, {
    remedy: "Give a number of lines, or all.",
  });
}
