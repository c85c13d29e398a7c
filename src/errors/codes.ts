/**
 * The closed set of error kinds. A kind decides the exit status (exit-status.ts) and, one day, the HTTP status.
 *
 * - `usage`: the command line itself is wrong
 * - `invalid`: input that was read is malformed, hostile or does not match its digest
 * - `not-found`, `conflict`: a name or id does not exist, or is taken or in use
 * - `unsupported`: valid, but this build or this kernel cannot do it
 * - `resource`: no space, no memory, no permission, a limit was reached
 * - `system`: a system call failed; `details.step`, `details.errno` and `details.path` say which
 * - `command-not-executable`, `command-not-found`: the container's command (exit 126 and 127)
 * - `cancelled`: the user interrupted
 * - `internal`: a bug in gantry
 */
export type ErrorKind =
  | "usage"
  | "invalid"
  | "not-found"
  | "conflict"
  | "unsupported"
  | "resource"
  | "system"
  | "command-not-executable"
  | "command-not-found"
  | "cancelled"
  | "internal";

/**
 * Every error code and its kind: the one table. Codes are stable; callers match on them, never on message text.
 * Keep it sorted. A test proves that each code is raised by some test.
 */
export const ERROR_KINDS = {
  ARCHIVE_INVALID: "invalid",
  ARCHIVE_NOT_FOUND: "not-found",
  ARCHIVE_TRUNCATED: "invalid",
  BLOB_MISSING: "not-found",
  CANCELLED: "cancelled",
  CAPABILITY_INVALID: "usage",
  COMMAND_NOT_EXECUTABLE: "command-not-executable",
  COMMAND_NOT_FOUND: "command-not-found",
  COMPRESSION_UNSUPPORTED: "unsupported",
  CONFIG_INVALID: "invalid",
  CONTAINER_AMBIGUOUS: "conflict",
  CONTAINER_CONFIG_INVALID: "invalid",
  CONTAINER_FREEZE_FAILED: "system",
  CONTAINER_NAME_INVALID: "usage",
  CONTAINER_NAME_IN_USE: "conflict",
  CONTAINER_NOT_FOUND: "not-found",
  CONTAINER_NOT_RUNNING: "conflict",
  CONTAINER_READ_ONLY: "conflict",
  CONTAINER_RECORD_INVALID: "invalid",
  CONTAINER_RUNNING: "conflict",
  CONTAINER_START_FAILED: "system",
  COPY_CONFLICT: "conflict",
  COPY_UNSUPPORTED: "unsupported",
  DIGEST_INVALID: "invalid",
  DIGEST_MISMATCH: "invalid",
  DOWNLOAD_FAILED: "system",
  EROFS_UNREPRESENTABLE: "unsupported",
  GROUP_NOT_FOUND: "invalid",
  GZIP_INVALID: "invalid",
  IMAGE_AMBIGUOUS: "conflict",
  IMAGE_IN_USE: "conflict",
  IMAGE_NOT_FOUND: "not-found",
  INSTRUCTION_INVALID: "usage",
  INTERNAL: "internal",
  KERNEL_UNUSABLE: "system",
  LAYER_INDEX_INVALID: "invalid",
  LAYER_INVALID: "invalid",
  LAYER_LINK_TARGET_MISSING: "invalid",
  LAYER_LINK_TO_DIRECTORY: "invalid",
  LAYER_MISSING: "not-found",
  LAYER_PATH_ESCAPES: "invalid",
  LAYER_PATH_THROUGH_NON_DIRECTORY: "invalid",
  LIMIT_EXCEEDED: "resource",
  LOCK_TIMEOUT: "conflict",
  MANIFEST_INVALID: "invalid",
  NATIVE_MISSING: "unsupported",
  NO_SPACE: "resource",
  OUTPUT_INVALID: "invalid",
  OUT_OF_MEMORY: "resource",
  PATH_INVALID: "invalid",
  PATH_NOT_FOUND: "not-found",
  PATH_SYMLINK_LOOP: "invalid",
  PERMISSION: "resource",
  PLATFORM_INVALID: "usage",
  PLATFORM_NOT_FOUND: "not-found",
  REFERENCE_INVALID: "invalid",
  RUNTIME_NOT_FOUND: "not-found",
  SECCOMP_PROFILE_INVALID: "invalid",
  SHIM_FAILED: "system",
  SIGNAL_INVALID: "usage",
  SNAPSHOTTER_UNSUPPORTED: "unsupported",
  STORE_CORRUPT: "invalid",
  STORE_ROOT_FOREIGN: "conflict",
  STORE_VERSION_UNSUPPORTED: "unsupported",
  SYSTEM_CALL_FAILED: "system",
  TAR_ENTRY_TOO_LONG: "invalid",
  TAR_INVALID: "invalid",
  TAR_PATH_ESCAPES: "invalid",
  TAR_UNSUPPORTED: "unsupported",
  TIMESTAMP_INVALID: "usage",
  UNEXPECTED_END_OF_FILE: "invalid",
  USAGE: "usage",
  USER_NOT_FOUND: "invalid",
  XZ_INVALID: "invalid",
  XZ_UNSUPPORTED: "unsupported",
  ZSTD_INVALID: "invalid",
  ZSTD_WINDOW_TOO_LARGE: "unsupported",
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;
