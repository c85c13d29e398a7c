import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The absolute path of something that `npm run setup` built, `wasm/sha256.simd.wasm` for example. The bundle lies in
 * dist/ itself; from sources (tests) dist/ is beside src/.
 */
export function artifact(name: string): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return here.endsWith("/dist") ? join(here, name) : join(here, "..", "..", "dist", name);
}
