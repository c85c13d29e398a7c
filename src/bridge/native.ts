import { artifact } from "../artifacts/locate.ts";
import { GantryError } from "../errors/index.ts";
import type { Operation } from "./operation.ts";
import { ReplyReader, RequestWriter } from "./message.ts";
import { systemError } from "./system-error.ts";

/**
 * The one place that calls native code. Every operation has the same C signature,
 * `int64_t gantry_call(uint8_t *message, uint8_t *data)`, because ffi-rs aborts the process on a wrong type, cuts
 * strings at a NUL and does not keep buffers alive: with two buffers, checked here, none of that can happen.
 *
 * Message, little-endian (native/sys/src/door.rs is the twin):
 *    0 u32 operation      4 u32 message bytes, all    8 u64 data bytes
 *   16 u32 cancel: set to 1 from here while the operation runs; native code looks at it between files and chunks
 *   20 u32 request bytes  24 u64 progress: what is done so far, written by native code
 *   32 the request; then, when the call returns, the reply. A negative result is -errno and the reply is
 *      { bytes step, bytes path, bytes reason }.
 */
const HEADER_BYTES = 32;
const LEAST_REPLY_BYTES = 8192;

const LIBRARY = "gantry";
const I64 = 8;
/** ffi-rs takes the length of an input from the typed array itself. */
const BUFFER = { ffiTypeTag: 997, type: 10, length: 1 };
const PARAMETERS = [BUFFER, BUFFER];

interface LoadParameters {
  library: string;
  funcName: string;
  retType: number;
  paramsType: unknown[];
  paramsValue: unknown[];
  freeResultMemory: boolean;
  errno: boolean;
  runInNewThread: boolean;
}

interface ForeignFunctions {
  open(options: { library: string; path: string }): void;
  load(parameters: LoadParameters): unknown;
}

export interface CallOptions {
  /** Bytes that native code reads or fills. Views over WebAssembly and shared memory are not copied either. */
  data?: Uint8Array | undefined;
  /** How much the reply may need beyond 8 KiB. */
  replyBytes?: number | undefined;
}

export interface AsyncCallOptions extends CallOptions {
  /** Stops the operation at its next file or chunk; the promise is then rejected with CANCELLED. */
  signal?: AbortSignal | undefined;
  /** Called about ten times a second with what the operation counts (bytes, or entries). */
  onProgress?: ((done: number) => void) | undefined;
}

export interface Reply {
  /** Never negative. */
  result: number;
  reply: ReplyReader;
}

let foreign: ForeignFunctions | undefined;

/** Loads ffi-rs and our library at first use: about 1.5 ms, so no command pays that does not need it. */
function door(): ForeignFunctions {
  if (foreign !== undefined) return foreign;
  // Node marks what workers cannot do; asking node:worker_threads would cost more than all the rest of loading.
  const { chdir } = process as unknown as { chdir: object };
  if ("disabled" in chdir) {
    // ffi-rs loaded by a worker alone takes the process down when the worker ends.
    throw new GantryError("INTERNAL", "native code can only be called from the main thread");
  }
  const module = { exports: {} };
  try {
    process.dlopen(module, artifact("native/ffi-rs.node"));
    const loaded = module.exports as ForeignFunctions;
    loaded.open({ library: LIBRARY, path: artifact("native/libgantry_bridge.so") });
    foreign = loaded;
    return loaded;
  } catch (cause) {
    throw new GantryError("NATIVE_MISSING", `cannot load gantry's native library: ${String(cause)}`, {
      remedy: "Run npm run setup.",
      cause,
    });
  }
}

function enter(message: Uint8Array, data: Uint8Array, runInNewThread: boolean): unknown {
  return door().load({
    library: LIBRARY,
    funcName: "gantry_call",
    retType: I64,
    paramsType: PARAMETERS,
    paramsValue: [message, data],
    freeResultMemory: false,
    errno: false,
    runInNewThread,
  });
}

const NO_DATA = new Uint8Array(new ArrayBuffer(8));

/** For calls on this thread, which cannot overlap: making 8 KiB of memory costs as much as a system call. */
let reused: Uint8Array | undefined;

/** Memory of its own, never a slice of node's buffer pool, so that it is aligned and lives as long as we say. */
function messageOf(bytes: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(bytes));
}

function compose(operation: Operation, request: Uint8Array, options: CallOptions, reuse: boolean): Uint8Array {
  const replyBytes = Math.max(LEAST_REPLY_BYTES, options.replyBytes ?? 0);
  const bytes = HEADER_BYTES + Math.max(request.length, replyBytes);
  const small = bytes === HEADER_BYTES + LEAST_REPLY_BYTES;
  const message = reuse && small ? (reused ??= messageOf(bytes)) : messageOf(bytes);
  const words = new Uint32Array(message.buffer, 0, HEADER_BYTES / 4);
  const dataBytes = options.data?.byteLength ?? 0;
  words.set([operation, bytes, dataBytes >>> 0, Math.floor(dataBytes / 2 ** 32), 0, request.length, 0, 0]);
  message.set(request, HEADER_BYTES);
  return message;
}

function dataOf(options: CallOptions): Uint8Array {
  if (options.data === undefined || options.data.byteLength === 0) return NO_DATA;
  if (!(options.data instanceof Uint8Array))
    throw new GantryError("INTERNAL", "native call: data must be a Uint8Array");
  return options.data;
}

function answer(result: unknown, message: Uint8Array): Reply {
  if (typeof result !== "number") throw new GantryError("INTERNAL", `native call returned ${typeof result}`);
  const reply = new ReplyReader(message.subarray(HEADER_BYTES));
  if (result >= 0) return { result, reply };
  const decoder = new TextDecoder();
  const step = decoder.decode(reply.bytes());
  const path = reply.bytes();
  throw systemError({ errno: -result, step, path, reason: decoder.decode(reply.bytes()) });
}

export function request(): RequestWriter {
  return new RequestWriter();
}

/**
 * Runs an operation on this thread and returns when it is done.
 * @throws SYSTEM_CALL_FAILED, NO_SPACE, PERMISSION with `details` { step, errno, name, path }; NATIVE_MISSING
 */
export function call(operation: Operation, fields: RequestWriter, options: CallOptions = {}): Reply {
  const message = compose(operation, fields.finish(), options, true);
  return answer(enter(message, dataOf(options), false), message);
}

/**
 * Runs an operation on one of node's pool threads. Its buffers are kept alive until it has ended, whatever the caller
 * does. `data` must not be written or detached meanwhile.
 * @throws what `call` throws; CANCELLED after `signal`
 */
export async function callAsync(
  operation: Operation,
  fields: RequestWriter,
  options: AsyncCallOptions = {},
): Promise<Reply> {
  const { signal, onProgress } = options;
  if (signal?.aborted === true) throw new GantryError("CANCELLED", "cancelled");
  const message = compose(operation, fields.finish(), options, false);
  const data = dataOf(options);
  const running = enter(message, data, true) as Promise<unknown>;
  // Held in a set that outlives this function's frame: V8 may drop a local after its last use, and with it the memory.
  const held = [message, data];
  IN_FLIGHT.add(held);
  const words = new Int32Array(message.buffer, 0, HEADER_BYTES / 4);
  const cancel = (): void => void Atomics.store(words, 4, 1);
  signal?.addEventListener("abort", cancel, { once: true });
  const timer =
    onProgress === undefined
      ? undefined
      : setInterval(() => {
          const low = Atomics.load(words, 6) >>> 0;
          onProgress(Atomics.load(words, 7) * 2 ** 32 + low);
        }, 100);
  try {
    return answer(await running, message);
  } finally {
    clearInterval(timer);
    signal?.removeEventListener("abort", cancel);
    IN_FLIGHT.delete(held);
  }
}

const IN_FLIGHT = new Set<readonly Uint8Array[]>();
