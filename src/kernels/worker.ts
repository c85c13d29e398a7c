import { parentPort } from "node:worker_threads";
import { compressBlock } from "./compress-block.ts";
import { hashLayer } from "./hash-file.ts";
import { LayersTogether } from "./ingest-together.ts";
import { packError, type TaskReply, type TaskRequest } from "./worker-protocol.ts";

const layers = new LayersTogether();

/** Entry point of a worker thread (dist/worker.cjs): each task is answered with its id. */
async function answer(request: TaskRequest): Promise<TaskReply> {
  try {
    return { id: request.id, result: await perform(request) };
  } catch (error) {
    return { id: request.id, error: packError(error) };
  }
}

function perform(request: TaskRequest): Promise<unknown> {
  switch (request.task) {
    case "ingestLayer":
      return layers.ingest(request.argument);
    case "hashLayer":
      return hashLayer(request.argument);
    case "compressBlock":
      return compressBlock(request.argument);
  }
}

parentPort?.on("message", (request: TaskRequest) => {
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});
