import type { ContainerStatus } from "../../../runtime/container-status.ts";
import { humanDuration } from "../../format/duration.ts";

/** The STATUS column: `Up 5 minutes`, `Exited (0) 3 hours ago`, `Created`. */
export function statusText(status: ContainerStatus, nowMs: number): string {
  switch (status.state) {
    case "created":
      return "Created";
    case "running":
      return `Up ${humanDuration(nowMs - Date.parse(status.startedAt))}`;
    case "exited":
      return `Exited (${status.exitCode}) ${humanDuration(nowMs - Date.parse(status.finishedAt))} ago`;
  }
}
