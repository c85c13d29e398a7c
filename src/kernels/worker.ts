import { parentPort } from "node:worker_threads";
import { ingestLayer } from "./ingest-layer.ts";
import { packError, type TaskName, type TaskReply, type TaskRequest, type WorkerTasks } from "./worker-protocol.ts";

const TASKS: { [Name in TaskName]: (argument: WorkerTasks[Name]["argument"]) => Promise<WorkerTasks[Name]["result"]> } =
  {
    ingestLayer,
  };

/** Entry point of a worker thread (dist/worker.cjs): each task is answered with its id. */
async function answer({ id, task, argument }: TaskRequest): Promise<TaskReply> {
  try {
    return { id, result: await TASKS[task](argument) };
  } catch (error) {
    return { id, error: packError(error) };
  }
}

parentPort?.on("message", (request: TaskRequest) => {
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});
