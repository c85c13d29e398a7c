import { GantryError } from "../errors/index.ts";
import type { Platform } from "./types.ts";

const ARCHITECTURE_NAMES: Record<string, string> = {
  x64: "amd64",
  x86_64: "amd64",
  "x86-64": "amd64",
  ia32: "386",
  i386: "386",
  i686: "386",
  aarch64: "arm64",
  armhf: "arm",
};

/** The machine's own platform in OCI's names. */
export function hostPlatform(): Platform {
  const architecture = ARCHITECTURE_NAMES[process.arch] ?? process.arch;
  return { os: "linux", architecture, ...(architecture === "arm" ? { variant: "v7" } : {}) };
}

/**
 * Reads `os/arch[/variant]`, `os` or `arch` alone, as `--platform` takes it.
 * @throws PLATFORM_INVALID
 */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split("/");
  const words = parts.every((part) => /^[a-z0-9_.-]+$/.test(part));
  if (!words || parts.length > 3) {
    throw new GantryError(
      "PLATFORM_INVALID",
      `invalid platform ${JSON.stringify(text)}: it is not os[/arch[/variant]]`,
      {
        remedy: 'Write it like "linux/amd64" or "linux/arm64/v8".',
      },
    );
  }
  const [first = "", second, variant] = parts;
  const host = hostPlatform();
  if (second === undefined) {
    return first === "linux" || first === "windows" || first === "darwin" || first === "freebsd"
      ? { ...host, os: first }
      : { os: "linux", architecture: ARCHITECTURE_NAMES[first] ?? first };
  }
  return {
    os: first,
    architecture: ARCHITECTURE_NAMES[second] ?? second,
    ...(variant === undefined ? {} : { variant }),
  };
}

export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant]
    .filter((part) => part !== undefined && part !== "")
    .join("/");
}

/** arm64 means v8, amd64 means v1: naming the default variant changes nothing. */
function variantOf(platform: Platform): string {
  const variant = platform.variant ?? "";
  if (platform.architecture === "arm64" && variant === "v8") return "";
  if (platform.architecture === "amd64" && variant === "v1") return "";
  return variant;
}

/** Whether an image of platform `offered` is what was asked for; a variant counts only when asked for. */
export function platformMatches(offered: Platform, wanted: Platform): boolean {
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return false;
  return variantOf(wanted) === "" || variantOf(offered) === "" || variantOf(offered) === variantOf(wanted);
}

/** What a machine of this platform runs, best first: its own kind, then older variants, then its 32-bit kind. */
function runnable(host: Platform): Platform[] {
  const { os, architecture } = host;
  const variants = (name: string, from: number): Platform[] =>
    Array.from({ length: Math.max(from - 4, 0) }, (_, step) => ({
      os,
      architecture: name,
      variant: `v${from - step}`,
    }));
  if (architecture === "amd64") return [host, { os, architecture: "386" }];
  if (architecture === "arm64") return [host, ...variants("arm", 8)];
  if (architecture === "arm") return [host, ...variants("arm", Number(host.variant?.slice(1) ?? 7))];
  return [host];
}

/** Whether a machine of platform `host` runs images of `offered` without emulation; one that does not say may be anything. */
export function runsOn(offered: Platform, host: Platform): boolean {
  const said = { ...offered, os: offered.os || host.os, architecture: offered.architecture || host.architecture };
  return runnable(host).some((platform) => platformMatches(said, platform));
}

/**
 * The candidate that suits `wanted` best: that very variant before one that says nothing or another; where none is of
 * its architecture, one that a machine of that platform runs as well; else the first.
 */
export function choosePlatform<T extends { platform: Platform }>(
  candidates: readonly T[],
  wanted: Platform,
): T | undefined {
  for (const platform of runnable(wanted)) {
    const matching = candidates.filter((candidate) => platformMatches(candidate.platform, platform));
    const exact = matching.find((candidate) => variantOf(candidate.platform) === variantOf(platform));
    if (exact !== undefined) return exact;
    if (matching[0] !== undefined) return matching[0];
  }
  return candidates[0];
}
