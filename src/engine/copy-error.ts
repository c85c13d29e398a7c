import { GantryError, isGantryError } from "../errors/index.ts";

/**
 * A failed native copy in Docker's words, where it has some: `details.step` says what was refused
 * (native/bridge/src/place.rs). Other errors are handed back as they are.
 * @param destination how the destination is called: `c:/x`
 */
export function copyError(error: unknown, destination: string): unknown {
  if (!isGantryError(error) || typeof error.details["step"] !== "string") return error;
  const { step, name, path: at } = error.details;
  const path = typeof at === "string" ? at : "";
  const conflict = (message: string, remedy: string): GantryError =>
    new GantryError("COPY_CONFLICT", message, { remedy, details: error.details, cause: error });
  if (step === "overwrite directory with non-directory") {
    const what = `cannot overwrite directory "${path}" with non-directory "${destination}"`;
    return conflict(what, "Remove the directory first.");
  }
  if (step === "overwrite non-directory with directory") {
    const what = `cannot overwrite non-directory "${path}" with directory "${destination}"`;
    return conflict(what, "Remove the file first.");
  }
  if (step === "leave the destination") {
    return new GantryError("TAR_PATH_ESCAPES", `"${path}" is outside of "${destination}"`, {
      remedy: 'Make the archive without ".." in its names.',
      details: error.details,
      cause: error,
    });
  }
  if (name === "EROFS") return readOnlyRoot(error);
  return error;
}

/** The container was made with `--read-only`. */
export function readOnlyRoot(cause?: unknown): GantryError {
  return new GantryError("CONTAINER_READ_ONLY", "container rootfs is marked read-only", {
    remedy: "Copy to a volume or a tmpfs of the running container.",
    cause,
  });
}
