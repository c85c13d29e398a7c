import { availableParallelism } from "node:os";
import { GantryError } from "../errors/index.ts";
import type { HostConfig } from "./container-record.ts";

/** Less memory than this starts no container. */
const LEAST_MEMORY = 6 * 1024 * 1024;

/**
 * Checks what was asked of the host, and completes it as Docker does: a memory limit without a swap limit allows as much
 * swap as memory. Returns a new record.
 * @throws CONTAINER_CONFIG_INVALID
 */
export function checkedResources(hostConfig: HostConfig): HostConfig {
  const { Memory: memory = 0, MemorySwap: swap, MemoryReservation: reservation, NanoCpus: nanoCpus = 0 } = hostConfig;
  if (memory !== 0 && memory < LEAST_MEMORY) throw invalid("Minimum memory limit allowed is 6MB");
  if (swap !== undefined && swap > 0 && memory === 0)
    throw invalid("You should always set the Memory limit when using Memoryswap limit, see usage");
  if (swap !== undefined && swap > 0 && swap < memory)
    throw invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
  if (reservation !== undefined && memory !== 0 && reservation > memory)
    throw invalid("Minimum memory limit can not be less than memory reservation limit, see usage");
  const cpus = availableParallelism();
  if (nanoCpus < 0 || nanoCpus > cpus * 1e9) {
    throw invalid(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  }
  return {
    ...hostConfig,
    ...(memory !== 0 && swap === undefined ? { MemorySwap: memory * 2 } : {}),
  };
}

function invalid(message: string): GantryError {
  return new GantryError("CONTAINER_CONFIG_INVALID", message);
}
