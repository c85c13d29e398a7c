import type { EventFilter } from "../../../engine/follow-events.ts";
import type { RecordedEvent } from "../../../store/event-reader.ts";
import { localRfc3339Nano } from "../../format/go-time.ts";
import { parseMoment } from "../../format/moment.ts";
import { defineCommand } from "../../framework/command.ts";
import { type Filter, filterFlag, stringFlag } from "../../framework/flags.ts";
import { requireFilters } from "../filters.ts";

const FILTERS = ["container", "event", "image", "label", "scope", "type"] as const;

export const command = defineCommand({
  summary: "Get real time events from the store",
  description:
    "Shows what commands do to images and containers while they do it, and what containers do, until Ctrl-C or the time\n" +
    "given with --until. With --since it begins with what has happened; some ten thousand events are kept.",
  operands: { synopsis: "" },
  flags: {
    filter: filterFlag("Show only events that match: container=, event=, image=, label=KEY[=VALUE], scope=, type="),
    format: stringFlag(
      "Format output using a Go template:\n" +
        "'json':             One JSON object a line\n" +
        "'TEMPLATE':         The template's result for each event",
    ),
    since: stringFlag("Show all events created since timestamp"),
    until: stringFlag("Stream events until this timestamp"),
  },
  examples: [
    { says: "How containers end, as it happens", line: "gantry events --filter event=die" },
    { says: "What happened in the last hour", line: "gantry events --since 1h --until 0s" },
    {
      says: "Time, action and name of each",
      line: "gantry events --format '{{.Time}} {{.Action}} {{.Actor.Attributes.name}}'",
    },
  ],
  async run(context, { flags }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { followEvents } = await import("../../../engine/follow-events.ts");
    const filter = eventFilter(flags.filter);
    const show = await eventRenderer(flags.format);
    const now = Date.now();
    const options = {
      sinceMs: flags.since === "" ? undefined : parseMoment(flags.since, now),
      untilMs: flags.until === "" ? undefined : parseMoment(flags.until, now),
      filter,
      signal: context.signal,
    };
    await followEvents(openStore(context.storeRoot), options, (event) => context.stdout.write(`${show(event)}\n`));
    return 0;
  },
});

function eventFilter(filters: readonly Filter[]): EventFilter {
  const values = requireFilters(filters, FILTERS);
  return {
    types: values("type"),
    actions: values("event"),
    images: values("image"),
    containers: values("container"),
    labels: values("label"),
    scopes: values("scope"),
  };
}

/** What turns an event into its line. @throws {UsageError} for a template that cannot be read */
async function eventRenderer(format: string): Promise<(event: RecordedEvent) => string> {
  if (format === "") return eventText;
  if (format === "json") return ({ line }) => line;
  const { compileFormat } = await import("../../format/compile-format.ts");
  const { JSON_TEXT } = await import("../../format/go-template/to-json.ts");
  const { struct } = await import("../../format/go-template/values.ts");
  const template = compileFormat(format.replaceAll("\\t", "\t").replaceAll("\\n", "\n"));
  return (event) => {
    const fields = eventObject(event);
    const Actor = struct(fields.Actor, "events.Actor");
    return template.execute(struct({ ...fields, Actor, [JSON_TEXT]: () => event.line }, "*events.Message"));
  };
}

/** The line that Docker prints: time, type, action, id, and in parentheses the attributes. */
export function eventText({ timeNano, type, action, id, attributes }: RecordedEvent): string {
  const pairs = Object.keys(attributes)
    .sort()
    .map((name) => `${name}=${attributes[name]!}`);
  const more = pairs.length === 0 ? "" : ` (${pairs.join(", ")})`;
  return `${localRfc3339Nano(timeNano)} ${type} ${action} ${id}${more}`;
}

/** The fields that a template names: those of Docker's events.Message. */
function eventObject({ line, type, action, id, attributes, scope, timeNano }: RecordedEvent) {
  const { status = "", from = "" } = JSON.parse(line) as { status?: string; from?: string };
  return {
    Status: status,
    ID: status === "" ? "" : id,
    From: from,
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    Scope: scope,
    Time: Number(timeNano / 1_000_000_000n),
    TimeNano: timeNano,
  };
}
