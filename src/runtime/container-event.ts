import { recordEvent } from "../store/event-log.ts";
import type { StoreLayout } from "../store/layout.ts";
import type { ContainerRecord } from "./container-record.ts";

/** What every event of a container says of it: its labels, and over them `image` and `name`, as Docker's do. */
export function containerEventAttributes({ config, name }: ContainerRecord): Record<string, string> {
  return { ...config.Labels, image: config.Image, name };
}

/** Records what happened to a container (event-log.ts). Never throws. */
export function containerEvent(
  layout: StoreLayout,
  record: ContainerRecord,
  action: string,
  more: Readonly<Record<string, string>> = {},
): void {
  recordEvent(layout, {
    type: "container",
    action,
    id: record.id,
    attributes: { ...containerEventAttributes(record), ...more },
  });
}
