import type { Image } from "../../../image/types.ts";
import { humanSize } from "../../format/byte-size.ts";
import { humanDuration } from "../../format/duration.ts";
import { goTimeText, unixMs } from "../../format/go-time.ts";
import type { Listing } from "../../format/listing.ts";
import { shortId } from "../../format/short-id.ts";

/** A line of `images`: an image under one of its names, or without any. */
export interface ImageRow {
  readonly image: Image;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** The list of images as tables, templates and JSON show it; the fields are Docker's. */
export function imageListing(options: { noTrunc: boolean; digests: boolean; nowMs: number }): Listing<ImageRow> {
  const createdSince = ({ image }: ImageRow): string => {
    const created = unixMs(image.created);
    return created === undefined ? "" : `${humanDuration(options.nowMs - created)} ago`;
  };
  return {
    typeName: "image",
    quiet: "ID",
    table: ["Repository", "Tag", ...(options.digests ? ["Digest"] : []), "ID", "CreatedSince", "Size"],
    fields: {
      Containers: { title: "CONTAINERS", value: () => "N/A" },
      CreatedAt: { title: "CREATED AT", value: ({ image }) => goTimeText(unixMs(image.created)) },
      CreatedSince: { title: "CREATED", value: createdSince, absent: "N/A" },
      Digest: { title: "DIGEST", value: (row) => row.digest },
      ID: { title: "IMAGE ID", value: ({ image }) => (options.noTrunc ? image.id : shortId(image.id)) },
      Repository: { title: "REPOSITORY", value: (row) => row.repository },
      SharedSize: { title: "SHARED SIZE", value: () => "N/A" },
      Size: { title: "SIZE", value: ({ image }) => humanSize(image.sizeBytes) },
      Tag: { title: "TAG", value: (row) => row.tag },
      UniqueSize: { title: "UNIQUE SIZE", value: () => "N/A" },
      VirtualSize: { title: "SIZE", value: ({ image }) => humanSize(image.sizeBytes, 4) },
    },
  };
}
