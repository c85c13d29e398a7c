import { join } from "node:path";
import type { StoreLayout } from "../store/layout.ts";

/** The files of one container; `container-record.ts` and the shim's `shim.json` say who writes what. */
export class ContainerPaths {
  readonly id: string;
  readonly directory: string;

  constructor(layout: StoreLayout, id: string, directory: string = layout.container(id)) {
    this.id = id;
    this.directory = directory;
  }

  /** What `create` decided; by TypeScript. */
  get record(): string {
    return join(this.directory, "container.json");
  }
  /** OCI runtime configuration, made anew at each start. */
  get spec(): string {
    return join(this.directory, "config.json");
  }
  /** What the shim is to do, made anew at each start. */
  get shimConfig(): string {
    return join(this.directory, "shim.json");
  }
  /** What happened; by the shim, atomically. */
  get status(): string {
    return join(this.directory, "status.json");
  }
  /** flock held by the shim while it lives, and by whoever removes the container. */
  get shimLock(): string {
    return join(this.directory, "shim.lock");
  }
  get attachSocket(): string {
    return join(this.directory, "attach.sock");
  }
  /** Docker's json-file format. */
  get log(): string {
    return join(this.directory, `${this.id}-json.log`);
  }
  /** The container's own files: the upper directory of its overlay. */
  get upper(): string {
    return join(this.directory, "upper");
  }
  get work(): string {
    return join(this.directory, "work");
  }
  /** Empty on the host; the root file system is mounted here in the shim's mount namespace. */
  get rootfs(): string {
    return join(this.directory, "rootfs");
  }
  get hostname(): string {
    return join(this.directory, "hostname");
  }
  get hosts(): string {
    return join(this.directory, "hosts");
  }
  get resolvConf(): string {
    return join(this.directory, "resolv.conf");
  }
}
