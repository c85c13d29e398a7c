import { GantryError } from "../errors/index.ts";
import type { ByteStream } from "./byte-stream.ts";

/** A URL as it may be shown and recorded: without the password that may be in it. */
export function withoutCredentials(url: string): string {
  const parsed = parseUrl(url);
  if (parsed.username === "" && parsed.password === "") return url;
  parsed.username = "";
  parsed.password = "";
  return parsed.href;
}

/**
 * Begins to download `url` (http or https): redirects are followed, a user and password in it become basic authentication.
 * A body that ends before its announced length is an error.
 * @throws DOWNLOAD_FAILED, CANCELLED
 */
export async function download(url: string, signal: AbortSignal): Promise<ByteStream> {
  const label = withoutCredentials(url);
  const { username, password } = parseUrl(url);
  // The bytes as they are on the server: fetch would undo a compression that it asked for itself.
  const headers: Record<string, string> = { "accept-encoding": "identity", "user-agent": "gantry" };
  if (username !== "" || password !== "") {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    headers["authorization"] = `Basic ${Buffer.from(credentials).toString("base64")}`;
  }
  // Ends the connection also when the reader stops early.
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]);
  const response = await attempt(label, signal, () => fetch(label, { headers, signal: both }));
  const close = (): void => {
    ended.abort();
  };
  if (!response.ok || response.body === null) {
    close();
    throw failed(label, `the server answered ${response.status} ${response.statusText}`.trimEnd(), response.status);
  }
  const length = Number(response.headers.get("content-length") ?? NaN);
  const isPlain = (response.headers.get("content-encoding") ?? "identity") === "identity";
  const totalBytes = isPlain && Number.isSafeInteger(length) ? length : undefined;
  return { label, totalBytes, chunks: bodyChunks(label, response.body, signal), close };
}

async function* bodyChunks(
  label: string,
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await attempt(label, signal, () => reader.read());
    if (done) return;
    yield value;
  }
}

async function attempt<T>(label: string, signal: AbortSignal, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (signal.aborted) throw new GantryError("CANCELLED", "cancelled", { cause: error });
    // What went wrong is in the cause: fetch itself says no more than that it failed.
    const { message, cause } = error as Error;
    throw failed(label, reason(cause) || message, undefined, error);
  }
}

/** Node tries every address of a host and fails with all their errors. */
function reason(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reason).join("; ");
  return cause instanceof Error ? cause.message : "";
}

function parseUrl(url: string): URL {
  try {
    return new URL(url);
  } catch (cause) {
    throw failed(url, "it is not a valid URL", undefined, cause);
  }
}

function failed(label: string, why: string, status: number | undefined, cause?: unknown): GantryError {
  return new GantryError("DOWNLOAD_FAILED", `cannot download ${label}: ${why}`, {
    remedy: "Check the address and the network, or download it with another program and import the file.",
    details: { url: label, ...(status === undefined ? {} : { status }) },
    ...(cause === undefined ? {} : { cause }),
  });
}
