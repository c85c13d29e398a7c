import { parentPort } from "node:worker_threads";
import { ingestLayer, type LayerIngest } from "./ingest-layer.ts";
import { packError, type TaskReply, type TaskRequest } from "./worker-protocol.ts";

/** Entry point of a worker thread (dist/worker.cjs): one task after the other, each answered with its id. */
async function answer(request: TaskRequest): Promise<TaskReply> {
  try {
    switch (request.task) {
      case "ingestLayer":
        return { id: request.id, result: await ingestLayer(request.argument as LayerIngest) };
    }
  } catch (error) {
    return { id: request.id, error: packError(error) };
  }
}

parentPort?.on("message", (request: TaskRequest) => {
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});
